"""Every notebook runs from its first cell to its last at smoke scale, and is committed bare."""

from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = [pytest.param(path, id=path.name) for path in sorted(FOLDER.glob("*.ipynb"))]


def outputs(notebook, kind):
    return [
        output
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type == kind
    ]


@pytest.mark.parametrize("path", NOTEBOOKS)
def test_runs_at_smoke_scale_and_draws(path, tmp_path, monkeypatch):
    monkeypatch.setenv("IMGCOMP_NOTEBOOK_SCALE", "smoke")
    monkeypatch.setenv("IMGCOMP_OFFLINE", "1")
    # One thread is enough for so little, and does not suffer where tests run side by side.
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.delenv("MPLBACKEND", raising=False)  # the kernel's own draws into the notebook
    notebook = nbformat.read(path, as_version=4)
    client = nbclient.NotebookClient(
        notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()  # raises what a cell raises
    shown = [output.data for output in outputs(notebook, "execute_result")]
    assert any("image/png" in data for data in shown)
    assert all(output.name != "stderr" for output in outputs(notebook, "stream"))


@pytest.mark.parametrize("path", NOTEBOOKS)
def test_is_committed_without_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
