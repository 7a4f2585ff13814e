"""``imgcomp compress``, ``decompress``, ``info`` and ``verify``: images to .imc files and back."""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, BinaryIO, TypeVar

import typer

from imgcomp.cli.options import DataDir, Offline
from imgcomp.errors import UsageError

__all__ = ["compress", "decompress", "info", "verify"]

_T = TypeVar("_T")
_STANDARD = "-"
"""Standard input or output."""

CodecOption = Annotated[
    str | None,
    typer.Option(
        "--codec",
        metavar="NAME|PATH",
        help="A codec's name or its file; by default the one that fits.",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
Force = Annotated[bool, typer.Option("--force", help="Replace what is there.")]


def compress(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="IN…",
            help="Pictures, folders of pictures, .npy, .npz, IDX and .imc files, names of data "
            "sets (their training images, then their test images), or - for an array from "
            "standard input.",
            show_default=False,
        ),
    ],
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT.imc",
            help="File to write; - for standard output.",
            show_default=False,
        ),
    ],
    codec: CodecOption = None,
    quality: Annotated[
        int | None,
        typer.Option(
            "--quality",
            "-Q",
            min=1,
            max=100,
            metavar="1…100",
            help="Higher is better and larger; by default the codec's usual one.",
        ),
    ] = None,
    target_bpp: Annotated[
        float | None,
        typer.Option(
            "--target-bpp",
            metavar="BITS",
            help="Bits per pixel instead of a quality: the best one that needs no more.",
        ),
    ] = None,
    effort: Annotated[
        int,
        typer.Option(
            "--effort",
            min=0,
            max=6,
            metavar="0…6",
            help="How long to look for a smaller code; each step takes twice as long.",
        ),
    ] = 0,
    judge: Annotated[
        str | None,
        typer.Option(
            "--judge",
            metavar="FILE",
            help="With --effort, of a codec for classifiers: one of your own (of imgcomp.save) "
            "that is to recognise the images.",
        ),
    ] = None,
    embed_model: Annotated[
        bool, typer.Option("--embed-model", help="Put the codec itself into the file.")
    ] = False,
    block_images: Annotated[
        int,
        typer.Option(
            "--block",
            min=1,
            metavar="N",
            help="Images coded together: fewer are reached sooner, more take fewer bytes.",
        ),
    ] = 512,
    split: Annotated[str, typer.Option(help="Of data sets.", metavar="train|test|all")] = "all",
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Only the first N images.")
    ] = None,
    force: Force = False,
    data_dir: DataDir = None,
    offline: Offline = False,
    quiet: Quiet = False,
) -> None:
    """Compress images into one .imc file, with their order, labels and names."""
    import imgcomp.codec
    from imgcomp.cli.image_sources import open_sources, sample_of
    from imgcomp.codec.whole import SAMPLE, at_rate, chosen
    from imgcomp.training.judge import load_judge

    _check_output(output, force)
    given = None if codec is None else imgcomp.codec.load(codec)
    channels = None if given is None else given.image_shape[0]
    sources = open_sources(
        inputs, channels=channels, split=split, data_dir=data_dir, offline=offline
    )
    shape = sources[0].shape
    found = chosen(given, shape)
    for source in sources:
        if source.shape != found.image_shape:
            raise UsageError(
                f"{source.text}: images of {_sizes(source.shape)}, but the codec {found.name!r} "
                f"takes {_sizes(found.image_shape)} (channels×height×width)"
            )
    found = at_rate(found, quality, target_bpp, lambda: sample_of(sources, SAMPLE))
    asked = None if judge is None else load_judge(judge, "--judge")
    found = found.with_effort(effort, judge=asked)
    classes = _common(sources, [source.classes for source in sources], "labels")
    named = bool(_common(sources, [source.named or None for source in sources], "names"))
    prefixed = named and len(sources) > 1
    total = min(sum(source.count for source in sources), limit or sys.maxsize)
    left = total
    with (
        _output(output) as file,
        imgcomp.codec.ArchiveWriter(
            file,
            found,
            classes=classes,
            names=named,
            metadata={"source": "+".join(inputs)} if len("+".join(inputs)) < 200 else None,
            embed_model=embed_model,
            block_images=block_images,
        ) as writer,
        _progress(total, quiet, "compressing") as advance,
    ):
        for number, source in enumerate(sources, start=1):
            for images, labels, names in source.read():
                some = slice(0, left)
                prefix = f"{number:0{len(str(len(sources)))}}/" if prefixed else ""
                writer.add(
                    images[some],
                    None if classes is None or labels is None else labels[some],
                    [prefix + name for name in names[some]] if named and names else None,
                )
                left -= len(images[some])
                advance(len(images[some]))
                if not left:
                    break
            if not left:
                break
        writer.close()
        size = writer.num_bytes
    if not quiet:
        pixels = total * shape[1] * shape[2]
        typer.echo(
            f"{output}: {total:,} images in {size:,} bytes, {size / max(1, total):.1f} an image, "
            f"{8 * size / max(1, pixels):.3f} bits per pixel, with {found.name or found!r}"
            + (f" at quality {found.quality}" if found.quality else ""),
            err=output == _STANDARD,
        )


def decompress(
    source: Annotated[
        str,
        typer.Argument(
            metavar="FILE", help="An .imc file; - for standard input.", show_default=False
        ),
    ],
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            help="Folder to write; a file that ends in .npy takes the images as one array, "
            "and so does - for standard output.",
            show_default=False,
        ),
    ],
    format: Annotated[str, typer.Option(help="Of the images.", metavar="png|npy")] = "png",
    codec: CodecOption = None,
    iterations: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Of a progressive code, only the first N iterations."
        ),
    ] = None,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Write the images of an .imc file as pictures or as an array."""
    from imgcomp.cli import image_files

    if format not in ("png", "npy"):
        raise UsageError(f"--format: expected png or npy, got {format!r}")
    with _opened(source, codec, iterations) as archive:
        _ = archive.codec  # a missing one is said before anything is made
        with _progress(len(archive), quiet, "decompressing") as advance:

            def batches() -> Iterator[Any]:
                for batch in archive.batches():
                    yield batch
                    advance(len(batch.images))

            if output == _STANDARD or output.endswith(".npy"):
                _check_output(output, force)
                with _output(output) as file:
                    image_files.write_array(archive, file, batches())
            else:
                write = {"png": image_files.write_pictures, "npy": image_files.write_arrays}
                with _folder(output, force) as folder:
                    write[format](archive, folder, batches())
        if not quiet:
            typer.echo(f"{output}: {len(archive):,} images", err=output == _STANDARD)


def info(
    source: Annotated[str, typer.Argument(metavar="FILE", help="An .imc file, or -.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what is in an .imc file: images, codec, and where its bytes are."""
    from imgcomp.codec.describe import describe

    with _opened(source, None, None) as archive:
        found = describe(archive)
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    for name, value in found.items():
        text = value
        if isinstance(value, int) and not isinstance(value, bool):
            text = f"{value:,}"
        elif isinstance(value, (dict, list)):
            text = json.dumps(value, ensure_ascii=False)
            text = text if len(text) <= 100 else text[:99] + "…"
        elif isinstance(value, float):
            text = f"{value:.4g}"
        typer.echo(f"{name.replace('_', ' '):<22}{text}")


def verify(
    sources: Annotated[list[str], typer.Argument(metavar="FILE…", help=".imc files, or -.")],
    codec: CodecOption = None,
    quiet: Quiet = False,
) -> None:
    """Read and decode everything in .imc files; status 1 where something is damaged."""
    for source in sources:
        with _opened(source, codec, None) as archive:
            for number in range(archive.num_blocks):
                archive.block(number)
            with _progress(len(archive), quiet, "verifying") as advance:
                for batch in archive.batches():
                    advance(len(batch.images))
            if not quiet:
                typer.echo(f"{source}: all {len(archive):,} images are whole")


def _common(sources: Sequence[Any], each: Sequence[_T | None], what: str) -> _T | None:
    """What all sources have; a warning where only some have it."""
    if all(one == each[0] for one in each):
        return each[0]
    odd = next(source.text for source, one in zip(sources, each, strict=True) if one != each[0])
    typer.echo(
        f"imgcomp: warning: {what} are left out: those of {odd} are not those of {sources[0].text}",
        err=True,
    )
    return None


def _sizes(shape: Sequence[int]) -> str:
    return "×".join(map(str, shape))


@contextlib.contextmanager
def _opened(source: str, codec: str | None, iterations: int | None) -> Iterator[Any]:
    """An archive; standard input is put into a temporary file, to be read in any order."""
    import imgcomp.codec

    with contextlib.ExitStack() as stack:
        where: Any = Path(source)
        if source == _STANDARD:
            where = stack.enter_context(tempfile.TemporaryFile())
            shutil.copyfileobj(sys.stdin.buffer, where)
        elif where.is_dir():
            raise UsageError(f"{source}: a folder, not an .imc file")
        try:
            archive = imgcomp.codec.open(where, codec=codec, iterations=iterations)
        except imgcomp.codec.CorruptStreamError as error:
            raise type(error)(f"{source}: {error}") from None
        stack.enter_context(archive)
        try:
            yield archive
        except imgcomp.codec.CorruptStreamError as error:
            raise type(error)(f"{source}: {error}") from None


def _check_output(output: str, force: bool) -> None:
    if output == _STANDARD:
        if sys.stdout.isatty():
            raise UsageError("bytes are not written to a terminal: name a file, or use a pipe")
    elif Path(output).is_dir():
        raise UsageError(f"{output}: a folder is there; name a file")
    elif Path(output).exists() and not force:
        raise UsageError(f"{output}: is there already; --force replaces it")


@contextlib.contextmanager
def _output(output: str) -> Iterator[BinaryIO]:
    from imgcomp._files import written_atomically

    if output == _STANDARD:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with written_atomically(Path(output).expanduser()) as file:
        yield file


@contextlib.contextmanager
def _folder(output: str, force: bool) -> Iterator[Path]:
    from imgcomp._files import folder_atomically

    target = Path(output).expanduser()
    if target.exists() and not target.is_dir():
        raise UsageError(f"{output}: a file is there; name a folder")
    if target.is_dir() and any(target.iterdir()) and not force:
        raise UsageError(f"{output}: is not empty; --force writes into it all the same")
    with folder_atomically(target) as folder:
        yield folder


@contextlib.contextmanager
def _progress(total: int, quiet: bool, text: str) -> Iterator[Any]:
    """A function that takes how many images more are done; a bar in terminals."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(
        console=console, disable=quiet or not console.is_terminal, transient=True
    ) as bars:
        bar = bars.add_task(text, total=total)
        yield lambda count: bars.advance(bar, count)
