"""Archives: every image by its number, in slices, in order; labels, names, codecs, threads."""

from __future__ import annotations

import io
import pickle
import threading
from pathlib import Path

import archives
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from imgcomp import codec
from imgcomp.codec import ArchiveWriter, Codec, UnknownCodecError
from imgcomp.errors import UsageError

TINY = archives.static_codec()
BITS = archives.progressive_codec()
RATES = archives.context_codec().at(90)
IMAGES = archives.images(50)
NAMES = [f"some/{i}.png" for i in range(50)]
LABELS = torch.arange(50) % 7


def written(images=IMAGES, made_with=TINY, **options) -> bytes:
    return made_with.compress(images, **{"block_images": 8, **options})


EXPECTED = TINY.decode(TINY.encode(IMAGES), 50)
WHOLE = codec.open(written(labels=LABELS, names=NAMES, metadata={"note": 3}, embed_model=True))


def test_what_is_in_there() -> None:
    assert len(WHOLE) == 50
    assert WHOLE.shape == (1, 4, 4)
    assert WHOLE.num_blocks == 7
    assert (WHOLE.codec_name, WHOLE.digest) == ("tiny", TINY.digest)
    assert WHOLE.embedded == len(TINY.to_bytes())
    assert WHOLE.metadata == {"note": 3}
    assert torch.equal(WHOLE.labels, LABELS)
    assert WHOLE.names == tuple(NAMES)
    assert WHOLE.classes is None
    assert WHOLE.iterations == 0
    assert repr(WHOLE) == f"Archive(50 images of 1×4×4, {WHOLE.num_bytes:,} bytes)"


def test_all_images() -> None:
    assert torch.equal(WHOLE[:], EXPECTED)
    assert torch.equal(torch.stack(list(WHOLE)), EXPECTED)
    assert torch.equal(codec.decompress(written(), codec=TINY), EXPECTED)
    assert torch.equal(TINY.decompress(written()), EXPECTED)
    # 4 levels around each quarter's mean: far from the images, near what the network can.
    assert int((EXPECTED.float().mean((1, 2, 3)) - IMAGES.float().mean((1, 2, 3))).abs().max()) < 20


@given(st.integers(-50, 49))
def test_an_image(index: int) -> None:
    assert torch.equal(WHOLE[index], EXPECTED[index])


edges = st.none() | st.integers(-60, 60)


@given(edges, edges, st.none() | st.integers(-9, 9).filter(bool))
@settings(deadline=None)
def test_slices(start: int | None, stop: int | None, step: int | None) -> None:
    chosen = list(range(50))[start:stop:step]
    assert torch.equal(WHOLE[start:stop:step], EXPECTED[chosen])


@given(st.lists(st.integers(-50, 49), max_size=20))
@settings(deadline=None)
def test_any_images(indexes: list[int]) -> None:
    assert torch.equal(WHOLE.take(indexes), EXPECTED[indexes])


@pytest.mark.parametrize("index", [50, -51, 10**9])
def test_images_that_are_not_there(index: int) -> None:
    with pytest.raises(IndexError, match=f"images 0 … 49, not {index}"):
        WHOLE[index]


def test_batches_are_whole_and_in_order() -> None:
    first = 0
    for batch in WHOLE.batches():
        count = len(batch.images)
        assert batch.first == first
        assert torch.equal(batch.images, EXPECTED[first : first + count])
        assert torch.equal(batch.labels, LABELS[first : first + count])
        assert batch.names == tuple(NAMES[first : first + count])
        first += count
    assert first == 50


@pytest.mark.parametrize("count", [0, 1, 8, 9])
def test_few_images(count: int) -> None:
    data = written(IMAGES[:count], labels=LABELS[:count], names=NAMES[:count])
    with codec.open(data, codec=TINY) as opened:
        assert len(opened) == count
        assert torch.equal(opened[:], EXPECTED[:count])
        assert torch.equal(opened.labels, LABELS[:count])
        assert opened.names == tuple(NAMES[:count])
        assert opened[count:].shape == (0, 1, 4, 4)


@given(st.lists(st.integers(0, 20), max_size=8))
@settings(deadline=None, max_examples=30)
def test_it_does_not_matter_how_images_come(counts: list[int]) -> None:
    every = archives.images(sum(counts))
    file = io.BytesIO()
    with ArchiveWriter(file, TINY, block_images=4) as writer:
        begin = 0
        for count in counts:
            some = every[begin : begin + count].clone()
            writer.add(some)
            some.fill_(0)  # the writer has a copy
            begin += count
    assert file.getvalue() == written(every, block_images=4)
    assert writer.num_bytes == len(file.getvalue())


@pytest.mark.parametrize("made_with", [TINY, BITS, RATES, RATES.for_images(9, 5)])
def test_threads_change_nothing(made_with: Codec) -> None:
    images = archives.images(70, made_with.image_shape)
    before = torch.get_num_threads()
    found = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        data = written(images, made_with)
        found.append((data, made_with.decompress(data)))
    torch.set_num_threads(before)
    assert found[0][0] == found[1][0]
    assert torch.equal(found[0][1], found[1][1])


def test_many_threads_may_read() -> None:
    failed = []

    def read(begin: int) -> None:
        for i in range(begin, 50, 3):
            if not torch.equal(WHOLE[i], EXPECTED[i]):
                failed.append(i)

    threads = [threading.Thread(target=read, args=(i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "a.imc"
    path.write_bytes(written(classes=[f"class {i}" for i in range(7)], labels=LABELS))
    with codec.open(path, codec=TINY) as opened:
        assert torch.equal(opened[11:13], EXPECTED[11:13])
        assert opened.classes == tuple(f"class {i}" for i in range(7))
    with pytest.raises(UsageError, match="is closed"):
        opened.block(0)
    with path.open("rb") as file, codec.open(file, codec=TINY) as opened:
        assert torch.equal(opened[49], EXPECTED[49])
    with codec.open(io.BytesIO(path.read_bytes()), codec=TINY) as opened:
        assert torch.equal(opened[49], EXPECTED[49])
    with pytest.raises(FileNotFoundError):
        codec.open(tmp_path / "b.imc")


def test_codecs_are_found_by_their_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = written()
    monkeypatch.setenv("IMGCOMP_CODECS", str(tmp_path))
    with pytest.raises(UnknownCodecError, match=f"codec 'tiny' of hash {TINY.digest[:16]}"):
        codec.decompress(data)
    (tmp_path / "other.safetensors").write_bytes(b"nothing of ours")
    TINY.save(tmp_path / "under another name.safetensors")
    assert torch.equal(codec.decompress(data), EXPECTED)
    assert torch.equal(
        codec.decompress(data, codec=tmp_path / "under another name.safetensors"), EXPECTED
    )
    assert "under another name" in codec.names()
    assert codec.load("under another name").digest == TINY.digest
    with pytest.raises(UsageError, match=r"no codec 'tiny'; there are .*under another name"):
        codec.load("tiny")
    with pytest.raises(UnknownCodecError, match=r"not with 'bits' of hash"):
        codec.decompress(data, codec=BITS)


def test_bytes_and_headers_are_few() -> None:
    # 50 images, 8 symbols each: 4 of 4 bits, 4 of nearly as many.
    coded = sum(len(codec.open(written()).block(i).stream) for i in range(7))
    assert coded < 50 * 4
    assert len(written()) - coded < 80 + 7 * 14
    one = TINY.encode(IMAGES[:1])
    assert len(one) <= 4  # a bare stream has nothing else


def test_progressive_codes_may_be_cut(tmp_path: Path) -> None:
    images = archives.images(20, (3, 4, 4))
    data = written(images, BITS, labels=LABELS[:20])
    steps = BITS.model.reconstructions(images.float() / 255)
    for iterations in (1, 2, 3):
        expected = (steps[iterations - 1] * 255).round().clamp(0, 255).to(torch.uint8)
        with codec.open(data, codec=BITS, iterations=iterations) as opened:
            assert torch.equal(opened[:], expected)
        file = io.BytesIO()
        codec.cut(codec.open(data), file, iterations)
        shorter = codec.open(file.getvalue(), codec=BITS)
        assert shorter.iterations == iterations
        assert torch.equal(shorter[:], expected)
        assert torch.equal(shorter.labels, LABELS[:20])
        assert len(file.getvalue()) < len(data) or iterations == 3
    with pytest.raises(UsageError, match="the first 1 … 3 iterations to choose, not 4"):
        codec.open(data, iterations=4)
    with pytest.raises(UsageError, match="no iterations to choose"):
        codec.open(written(), iterations=1)
    with pytest.raises(UsageError, match="not of a progressive code"):
        codec.cut(codec.open(written()), io.BytesIO(), 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": IMAGES.float()}, "uint8 of shape"),
        ({"images": IMAGES[:, :, :3]}, "uint8 of shape"),
        ({"labels": LABELS[:3]}, r"labels must be of shape \(50,\)"),
        ({"labels": -LABELS}, "labels must lie in"),
        ({"labels": LABELS.float()}, "labels must be whole numbers"),
        ({"names": NAMES[:3]}, "must be 50 names, not 3"),
        ({"names": ["../x"] * 50}, r"without '..', not '../x'"),
        ({"names": ["/x"] * 50}, "relative paths"),
        ({"names": ["a\0b"] * 50}, "relative paths"),
        ({"metadata": {"x": object()}}, "what JSON can say"),
        ({"metadata": {"x": float("nan")}}, "what JSON can say"),
        ({"block_images": 0}, "block_images must be"),
        ({"classes": 3}, "come without"),
    ],
)
def test_what_does_not_fit_is_said(change: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        written(**change)


def test_nothing_is_added_to_a_closed_archive() -> None:
    with ArchiveWriter(io.BytesIO(), TINY) as writer:
        pass
    with pytest.raises(UsageError, match="is closed"):
        writer.add(IMAGES)


def test_an_error_leaves_no_whole_file() -> None:
    file = io.BytesIO()

    def interrupted() -> None:
        with ArchiveWriter(file, TINY, block_images=1) as writer:
            writer.add(IMAGES)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert len(file.getvalue()) > 100
    with pytest.raises(codec.TruncatedStreamError, match="does not end as it should"):
        codec.open(file.getvalue())


def test_a_dataset_for_torch(tmp_path: Path) -> None:
    path = tmp_path / "a.imc"
    path.write_bytes(written(labels=LABELS, embed_model=True))
    data = codec.ArchiveDataset(path)
    assert len(data) == 50
    image, label = data[9]
    assert torch.equal(image, EXPECTED[9])
    assert label == 2
    loader = torch.utils.data.DataLoader(data, batch_size=20, shuffle=True, num_workers=2)
    seen = [pair for images, labels in loader for pair in zip(images, labels, strict=True)]
    assert sorted(int(label) for _, label in seen) == sorted(LABELS.tolist())
    assert torch.equal(sum(image.long() for image, _ in seen), EXPECTED.long().sum(0))
    again = pickle.loads(pickle.dumps(data))
    assert torch.equal(again[49][0], EXPECTED[49])
    path.write_bytes(written())
    plain = codec.ArchiveDataset(path, codec=TINY, transform=lambda x: x.float() / 255)
    assert torch.equal(plain[1], EXPECTED[1].float() / 255)
    with pytest.raises(IndexError):
        plain[50]


def test_shapes_without_a_codec_are_said() -> None:
    with pytest.raises(UsageError, match="no codec of the package takes images of 2×4×5"):
        codec.compress(torch.zeros(1, 2, 4, 5, dtype=torch.uint8))
    with pytest.raises(UsageError, match=r"must be \(N, C, H, W\)"):
        codec.compress(torch.zeros(4, 5, dtype=torch.uint8))
