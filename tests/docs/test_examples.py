"""Every Python example of the README and the documentation is run, and every command is parsed.

The blocks of one page run in order in one namespace, in an empty folder, without a network. A
``text`` block directly under a ``python`` block is what it prints, with ``...`` for anything.
Numbers with a decimal point in a ``text about`` block are one machine's: others print them to
within a twentieth. Whole numbers are exact.
"""

import doctest
import math
import re
import shlex
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "results").glob("*.md")]
)
BLOCK = re.compile(
    r"^```python\n(?P<code>.*?)^```\n(?:\n*```text(?P<about> about)?\n(?P<output>.*?)^```\n)?",
    re.M | re.S,
)
DECIMAL = re.compile(r"[+-]?\d+\.\d+")
COMMAND = re.compile(r"^```sh\n(?:(?!```).)*?(?:^|&& )imgcomp ", re.M | re.S)
SHELL = re.compile(r"^```sh\n(.*?)^```$", re.M | re.S)


def pages_with(pattern):
    texts = {page: page.read_text("utf-8") for page in PAGES}
    return [
        pytest.param(page, id=str(page.relative_to(ROOT)))
        for page, text in texts.items()
        if pattern.search(text)
    ]


def with_numbers_of(expected, got):
    """Expected text with the decimal numbers of another that are about the same."""
    numbers = iter(DECIMAL.findall(got))

    def nearby(found):
        number = next(numbers, "nan")
        return number if math.isclose(float(found[0]), float(number), rel_tol=0.05) else found[0]

    return DECIMAL.sub(nearby, expected)


def run_blocks(page):
    """Run a page's blocks; gives nothing, raises what they raise, with the page's line numbers."""
    text = page.read_text("utf-8")
    namespace = {"__name__": "__main__"}
    checker = doctest.OutputChecker()
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    for found in BLOCK.finditer(text):
        printed = []
        namespace["print"] = lambda *values, _to=printed: _to.append(" ".join(map(str, values)))
        lines_before = text.count("\n", 0, found.start("code"))
        exec(compile("\n" * lines_before + found["code"], str(page), "exec"), namespace)
        if found["output"] is not None:
            got = "\n".join(printed).strip() + "\n"
            expected = with_numbers_of(found["output"], got) if found["about"] else found["output"]
            example = doctest.Example(found["code"], expected)
            assert checker.check_output(expected, got, flags), (
                f"{page}:{lines_before + 1}: " + checker.output_difference(example, got, flags)
            )


@pytest.fixture
def _newcomer(tmp_path, monkeypatch):
    """An empty folder, no data sets but the embedded one, no network, no window; one thread."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("IMGCOMP_DATA", raising=False)
    monkeypatch.setenv("IMGCOMP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("IMGCOMP_OFFLINE", "1")
    monkeypatch.setenv("MPLBACKEND", "Agg")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("_newcomer")
@pytest.mark.parametrize("page", pages_with(BLOCK))
def test_python_examples_run_and_print_what_is_written(page):
    run_blocks(page)


@pytest.mark.usefixtures("_newcomer")
def test_an_example_that_prints_something_else_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("Text.\n\n```python\nprint(6 * 7, 'x')\n```\n\n```text\n42 ...\n```\n")
    run_blocks(page)
    page.write_text(page.read_text().replace("42", "43"))
    with pytest.raises(AssertionError, match=r"page\.md:4: Expected"):
        run_blocks(page)


@pytest.mark.usefixtures("_newcomer")
def test_numbers_that_differ_between_machines_are_written_and_checked_roughly(tmp_path):
    page = tmp_path / "page.md"
    block = "```python\nprint('34.3 dB with 75 bytes')\n```\n\n```text{}\n{}\n```\n"
    page.write_text(block.format(" about", "34.9 dB with 75 bytes"))
    run_blocks(page)
    for about, text in (
        ("", "34.9 dB with 75 bytes"),
        (" about", "37.1 dB with 75 bytes"),
        (" about", "34.3 dB with 74 bytes"),
        (" about", "34.3 dB with 75 bits"),
        (" about", "34.3 dB with 75 bytes in 2 files"),
    ):
        page.write_text(block.format(about, text))
        with pytest.raises(AssertionError, match="Expected"):
            run_blocks(page)


def commands(text):
    """Command lines of imgcomp in a page's shell blocks, continued lines joined."""
    for block in SHELL.findall(text):
        for line in re.split(r"\n|&&", block.replace("\\\n", " ")):
            words = shlex.split(line, comments=True)
            if words[:1] == ["imgcomp"]:
                yield words[1:]


def parse(words):
    """Have the command line take a command apart, without running it."""
    import typer

    from imgcomp.cli import build_app

    command = typer.main.get_command(build_app())
    context = command.make_context("imgcomp", list(words))
    while hasattr(command, "resolve_command"):
        name, command, rest = command.resolve_command(
            context, [*context._protected_args, *context.args]
        )
        context = command.make_context(name, rest, parent=context)


@pytest.mark.parametrize(
    "page", pages_with(re.compile(r"^```sh\n(?:(?!```).)*?(?:^|&& )imgcomp ", re.M | re.S))
)
def test_commands_are_accepted_by_the_command_line(page):
    found = list(commands(page.read_text("utf-8")))
    assert found
    for words in found:
        parse(words)


def test_a_command_with_an_unknown_option_is_found():
    with pytest.raises(Exception, match="No such option"):
        parse(["reproduce", "feng2018", "--sclae", "smoke"])


def test_scripts_named_in_the_pages_exist():
    missing = [
        f"{page.relative_to(ROOT)}: {name}"
        for page in PAGES
        for block in SHELL.findall(page.read_text("utf-8"))
        for name in re.findall(r"(?:^|[ ./])((?:tools|benchmarks|docs|\.ci)/[\w./-]+)", block, re.M)
        if not name.startswith("docs/_build") and not (ROOT / name).exists()
    ]
    assert not missing


def test_the_tree_in_the_architecture_is_the_tree():
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    tree = re.search(r"^## The tree\n+```text\n(.*?)^```", text, re.M | re.S)[1]
    named = [line.split()[0] for line in tree.splitlines()]
    assert len(named) > 20
    assert not [name for name in named if not (ROOT / name).exists()]
    # Whatever the package and the core have is in it.
    parts = {
        path.relative_to(ROOT).as_posix() + "/"
        for folder in ("python/imgcomp", "cpp/src")
        for path in (ROOT / folder).iterdir()
        if path.is_dir() and not path.name.startswith(("_", "."))
    }
    assert parts <= set(named)
