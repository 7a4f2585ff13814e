"""Model files: what is saved comes back, and nothing that was altered ever loads."""

import json
import struct

import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_networks import PAIRS, random_images, refused
from training_runs import IMAGES, assert_same_weights, fit, tiny

import imgcomp
from imgcomp.errors import CheckpointError, UsageError
from imgcomp.training.checkpoint import _digest


@pytest.mark.parametrize("memory_format", ["contiguous", "channels_last"])
@pytest.mark.parametrize("network", PAIRS)
def test_a_model_comes_back(network, memory_format, tmp_path):
    model = PAIRS[network][0](seed=5)
    images = random_images(16)
    data = (images, torch.arange(16) % 10) if network == "classifier" else images
    fit(model, data, epochs=1, batch_size=8, memory_format=memory_format, lr=0.01)
    path = tmp_path / "model.safetensors"
    imgcomp.save(model, path)
    again = imgcomp.load(path)
    assert type(again) is type(model)
    assert again.spec == model.spec
    assert_same_weights(again, model)
    x = torch.rand(3, 1, 28, 28)
    torch.testing.assert_close(again(x), model(x), rtol=0, atol=1e-6)
    # Saved again, it is the same file.
    imgcomp.save(again, tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == path.read_bytes()


def test_a_checkpoint_is_a_model_file(checkpoint):
    model = tiny()
    fit(model, checkpoint=checkpoint)
    assert_same_weights(imgcomp.load(checkpoint), model)


def test_a_checkpoint_gives_the_best_weights(checkpoint):
    model = tiny(seed=1)
    history = fit(model, checkpoint=checkpoint, epochs=12, optimizer="sgd", lr=8.0, momentum=0.9,
                  keep_best="loss")  # fmt: skip
    assert history.best_epoch < 12
    assert_same_weights(imgcomp.load(checkpoint), model)


def test_other_programs_can_read_it(tmp_path):
    model = tiny()
    path = tmp_path / "model.safetensors"
    imgcomp.save(model, path)
    tensors = safetensors.torch.load_file(path)
    assert set(tensors) == {f"weights/{name}" for name in model.state_dict()}
    with safetensors.safe_open(path, "pt") as file:
        header = json.loads(file.metadata()["imgcomp"])
    assert header["spec"] == model.spec


def test_only_models_are_saved(tmp_path):
    with refused(UsageError, "imgcomp model, not dict"):
        imgcomp.save({}, tmp_path / "model.safetensors")
    with pytest.raises(OSError, match="directory"):
        imgcomp.save(tiny(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_missing_files_and_folders(tmp_path):
    with refused(FileNotFoundError, "nowhere.safetensors"):
        imgcomp.load(tmp_path / "nowhere.safetensors")
    with refused(CheckpointError, "a folder, not a model file"):
        imgcomp.load(tmp_path)


# Damage ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    """A checkpoint with weights, last weights, optimiser and history, as bytes."""
    path = tmp_path_factory.mktemp("damage") / "run.safetensors"
    history = fit(tiny(seed=1), IMAGES, epochs=12, optimizer="sgd", lr=8.0, momentum=0.9,
                  keep_best="loss", checkpoint=path)  # fmt: skip
    assert history.best_epoch < 12, "the last weights should not be the best"
    return path.read_bytes()


@pytest.fixture(scope="module")
def damaged(tmp_path_factory):
    return tmp_path_factory.mktemp("damaged") / "run.safetensors"


def same_as(content, path):
    """Whether what loads from ``path`` is what was saved, to the bit."""
    reference = path.with_name("reference.safetensors")
    reference.write_bytes(content)
    good, found = (imgcomp.training.checkpoint.read_model_file(p) for p in (reference, path))
    groups = ("weights", "last", "optimizer")
    return (
        good.spec == found.spec
        and good.training == found.training
        and all(
            getattr(good, group).keys() == getattr(found, group).keys()
            and all(
                torch.equal(tensor, getattr(found, group)[name])
                for name, tensor in getattr(good, group).items()
            )
            for group in groups
        )
    )


def loads(path):
    """Whether it loads; if not, with the one right exception."""
    try:
        imgcomp.load(path)
    except CheckpointError:
        return False
    return True


def header_size(content):
    return 8 + struct.unpack("<Q", content[:8])[0]


def test_truncated_at_any_length(content, damaged):
    header = header_size(content)
    lengths = [*range(12), *range(12, header, 97), header - 1, header, header + 1,
               *range(header + 2, len(content), 61), len(content) - 1]  # fmt: skip
    for length in lengths:
        damaged.write_bytes(content[:length])
        with refused(CheckpointError, str(damaged)):
            imgcomp.load(damaged)
    damaged.write_bytes(content + b"\0")
    with refused(CheckpointError, str(damaged)):
        imgcomp.load(damaged)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_no_flipped_byte_goes_unseen(content, damaged, data):
    header = header_size(content)
    region = data.draw(st.sampled_from(["size", "header", "tensors"]))
    regions = {"size": (0, 8), "header": (8, header), "tensors": (header, len(content))}
    first, end = regions[region]
    position = data.draw(st.integers(first, end - 1))
    flipped = bytearray(content)
    flipped[position] ^= data.draw(st.integers(1, 255))
    damaged.write_bytes(flipped)
    if loads(damaged):
        # White space between JSON's words is no content.
        assert same_as(content, damaged)


@pytest.mark.parametrize("region", ["header", "tensors"])
def test_exchanged_parts_are_seen(content, damaged, region):
    # Two tensors that change places: every byte is one that was written.
    tensors = safetensors.torch.load(content)
    size = header_size(content)
    header = json.loads(content[8:size])
    metadata = header["__metadata__"]
    if region == "tensors":
        names = ("weights/decoder.out.bias", "last/decoder.out.bias")
        tensors[names[0]], tensors[names[1]] = tensors[names[1]], tensors[names[0]]
    else:
        inner = json.loads(metadata["imgcomp"])
        inner["training"]["config"]["lr"] = 9.0
        metadata["imgcomp"] = json.dumps(inner)
    damaged.write_bytes(safetensors.torch.save(tensors, metadata))
    with refused(CheckpointError, "it was altered"):
        imgcomp.load(damaged)


def write_forged(path, tensors, **changes):
    """A file whose digest is right, whatever it holds."""
    model = tiny()
    header = {"format": 1, "spec": model.spec, "training": None, **changes}
    metadata = {"imgcomp": json.dumps({**header, "digest": _digest(header, tensors)})}
    path.write_bytes(safetensors.torch.save(tensors, metadata))


def test_foreign_files(damaged):
    damaged.write_bytes(safetensors.torch.save({"weight": torch.zeros(3)}))
    with refused(CheckpointError, "not one of imgcomp's"):
        imgcomp.load(damaged)
    damaged.write_bytes(safetensors.torch.save({"weight": torch.zeros(3)}, {"format": "pt"}))
    with refused(CheckpointError, "not one of imgcomp's"):
        imgcomp.load(damaged)
    torch.save({"weight": torch.zeros(3)}, damaged)
    with refused(CheckpointError, "not a readable safetensors file"):
        imgcomp.load(damaged)
    for text in (b"", b"hello", b"\xff" * 100, b"{}" * 50):
        damaged.write_bytes(text)
        with refused(CheckpointError, str(damaged)):
            imgcomp.load(damaged)
    for inner in ("", "[]", "null", "3", "{", '{"digest": 3}', '{"digest": "", "format": 1}'):
        damaged.write_bytes(safetensors.torch.save({"w": torch.zeros(1)}, {"imgcomp": inner}))
        with refused(CheckpointError, "its metadata is damaged"):
            imgcomp.load(damaged)


def test_a_newer_format_is_named(damaged):
    write_forged(damaged, {"w": torch.zeros(1)}, format=2)
    with refused(CheckpointError, "format 2", "reads format 1"):
        imgcomp.load(damaged)


def test_wrong_content_with_a_right_digest(damaged):
    good = {f"weights/{name}": tensor for name, tensor in tiny().state_dict().items()}
    write_forged(damaged, good)
    imgcomp.load(damaged)
    write_forged(damaged, {})
    with refused(CheckpointError, "missing"):
        imgcomp.load(damaged)
    bias = "weights/decoder.out.bias"
    write_forged(damaged, {**good, bias: torch.zeros(15)})
    with refused(CheckpointError, "(16,)", "(15,)"):
        imgcomp.load(damaged)
    write_forged(damaged, {**good, bias: torch.zeros(16, dtype=torch.int32)})
    with refused(CheckpointError, "int32"):
        imgcomp.load(damaged)
    for dtype in (torch.bfloat16, torch.float16):
        write_forged(damaged, {**good, bias: torch.ones(16, dtype=dtype)})
        assert (imgcomp.load(damaged).state_dict()["decoder.out.bias"] == 1).all()
    for spec in (None, [], {}, {"task": "autoencoder"}, {**tiny().spec, "input_shape": [0, 1, 1]}):
        write_forged(damaged, good, spec=spec)
        with refused(CheckpointError, "its network cannot be built"):
            imgcomp.load(damaged)


@pytest.mark.parametrize(
    "training",
    [{}, [], 3, {"config": None}, {"data": []}, {"data": [], "config": {}, "epoch": "x"}],
    ids=str,
)
def test_a_wrong_record_of_training_with_a_right_digest(training, damaged):
    good = {f"weights/{name}": tensor for name, tensor in tiny().state_dict().items()}
    write_forged(damaged, good, training=training)
    with refused(CheckpointError, str(damaged)):
        fit(tiny(), checkpoint=damaged, resume=True)


@pytest.mark.parametrize("change", ["optimizer", "history", "best_epoch", "epoch"])
def test_a_damaged_state_with_a_right_digest(change, content, damaged):
    tensors = safetensors.torch.load(content)
    header = json.loads(json.loads(content[8 : header_size(content)])["__metadata__"]["imgcomp"])
    header.pop("digest")
    if change == "optimizer":
        tensors["optimizer/momentum.encoder.code.weight"] = torch.zeros(2, 2)
    elif change == "history":
        header["training"]["history"]["columns"] = 3
    else:
        header["training"][change] = "x"
    metadata = {"imgcomp": json.dumps({**header, "digest": _digest(header, tensors)})}
    damaged.write_bytes(safetensors.torch.save(tensors, metadata))
    with refused(CheckpointError, str(damaged)):
        fit(tiny(), epochs=12, optimizer="sgd", lr=8.0, momentum=0.9, keep_best="loss",
            checkpoint=damaged, resume=True)  # fmt: skip
