"""Looks over an installation: what is there, what is missing, and whether imgcomp can be used."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any, TextIO

from imgcomp._build import OPTIONAL_PACKAGES, build_config


def problems(config: Mapping[str, Any]) -> list[str]:
    """What keeps imgcomp from working as it should, one sentence each.

    Args:
        config: The dict of `imgcomp.build_config`.

    Returns:
        Sentences that say what is wrong and what to do; empty for a usable installation.
    """
    found = [
        f"{name} is required but not installed: run 'pip install {name}'"
        for name, version in config["packages"]["required"].items()
        if version is None
    ]
    threads = config["threads"]
    if threads["torch"] > 1 and threads["parallel_for"] < 2:
        found.append(
            f"imgcomp's loops run on one thread although torch has {threads['torch']}: it was "
            "built without OpenMP, or with another OpenMP than torch's; rebuild it"
        )
    return found + list(config["data"]["problems"])


def notes(config: Mapping[str, Any]) -> list[str]:
    """What could be added, one sentence each; nothing that keeps imgcomp from working."""
    found = [
        f"{name} is not installed (optional: {OPTIONAL_PACKAGES[name]})"
        for name, version in config["packages"]["optional"].items()
        if version is None
    ]
    absent = [name for name, where in config["data"]["found"].items() if where is None]
    if absent:
        found.append(
            f"{', '.join(absent)} are fetched when first used, or now by "
            f"'imgcomp data get {' '.join(absent)}'"
        )
    cuda = config["cuda"]
    if cuda["available"] and not cuda["kernels"]:
        found.append(
            "there is a GPU, but imgcomp was built without its CUDA kernels: rebuild it where nvcc "
            "is found to have batches prepared on the GPU"
        )
    return found


def _rows(config: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Section, name and value of every line of the report."""
    versions, build, threads = config["versions"], config["build"], config["threads"]
    yield "versions", "imgcomp", versions["imgcomp"]
    yield "", "Python", f"{versions['python']} on {versions['platform']}"
    yield "", "torch", f"{versions['torch_found']} (built against {versions['torch_built']})"
    yield "build", "compiler", f"{build['compiler']}, C++{build['cxx_standard'] % 100}"
    yield "", "type", f"{build['build_type']}, OpenMP {_yes(build['openmp'])}"
    yield "threads", "cores", str(threads["cores"])
    yield "", "torch", f"{threads['torch']}, of which imgcomp's loops use {threads['parallel_for']}"
    cpu, cuda = config["cpu"], config["cuda"]
    yield "CPU", "model", cpu["model"]
    yield "", "torch uses", cpu["torch_capability"]
    for name, present in cpu["features"].items():
        yield "", name.replace("_", "-").upper(), _yes(present)
    toolkit = f"yes (CUDA {cuda['toolkit']})" if cuda["kernels"] else "no"
    yield "CUDA", "our kernels", toolkit
    yield "", "torch", f"yes (CUDA {cuda['torch']})" if cuda["torch"] else "no"
    yield "", "devices", ", ".join(cuda["devices"]) or "none"
    data = config["data"]
    yield "data", "IMGCOMP_DATA", data["folder"] or "not set"
    yield "", "cache", data["cache"] or "unknown"
    for name, where in data["found"].items():
        yield "", name, where or "not here"
    for section, packages in config["packages"].items():
        for index, (name, version) in enumerate(packages.items()):
            yield f"{section} packages" if index == 0 else "", name, version or "not installed"


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def run(*, as_json: bool = False, file: TextIO | None = None) -> int:
    """Print the report.

    Args:
        as_json: Print the dict of `imgcomp.build_config` with ``problems`` and ``notes`` added
            instead of a table.
        file: Where to print; standard output where None.

    Returns:
        0 where imgcomp can be used, 1 where something keeps it from working.
    """
    config = build_config()
    wrong, hints = problems(config), notes(config)
    out = sys.stdout if file is None else file
    if as_json:
        import json

        print(json.dumps({**config, "problems": wrong, "notes": hints}, indent=2), file=out)
    else:
        _print_table(config, wrong, hints, out)
    return 1 if wrong else 0


def _print_table(
    config: Mapping[str, Any], wrong: list[str], hints: list[str], out: TextIO
) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(file=out, highlight=False)
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for row in _rows(config):
        table.add_row(*row)
    console.print(table)
    for sentence in hints:
        console.print(f"note: {sentence}", soft_wrap=True, markup=False)
    for sentence in wrong:
        console.print(f"problem: {sentence}", style="red", soft_wrap=True, markup=False)
    if not wrong:
        console.print("imgcomp is ready to use.", style="green")
