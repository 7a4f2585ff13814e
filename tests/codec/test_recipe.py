"""Recipes: what is refused, that they give what they say, and that a resumed run gives the same."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

import imgcomp
from imgcomp.codec import Codec, recipe
from imgcomp.codec.recipe import Recipe
from imgcomp.errors import CheckpointError, DatasetError, UsageError
from imgcomp.training.checkpoint import read_model_file

TEXT = """\
name = "tiny"
kind = "digits"
seed = 5

[data]
training = {digits = 150}
validation = {digits = [150, 170]}
tables = 40

[network]
groups = [1, 3]
lambdas = [50.0, 2000.0]
width = 8
encoder_blocks = 1
decoder_blocks = 1
context = 8
kernel_size = 3
data_range = [0.0, 1.0]

[fit]
epochs = 3
batch_size = 25
lr = 4e-3
threads = 1
"""
DIGITS = imgcomp.datasets.digits()


def changed(*changes):
    return Recipe.from_toml(TEXT, changes, where="tiny.toml")


class Interrupting:
    """Progress that stops a training after its next epoch, as Ctrl-C does."""

    def step(self, epoch, step, steps, loss):
        pass

    def epoch(self, epoch, metrics):
        raise KeyboardInterrupt

    def close(self):
        pass


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A finished training and its checkpoint."""
    path = tmp_path_factory.mktemp("whole") / "tiny.safetensors"
    return changed().train(checkpoint=path, progress=False), path


def test_what_a_file_says_is_what_there_is():
    found = changed()
    assert (found.name, found.kind, found.seed, found.tables) == ("tiny", "digits", 5, 40)
    assert found.training == {"digits": 150}
    assert found.validation == {"digits": (150, 170)}
    assert found.network["groups"] == (1, 3)
    assert found.network["data_range"] == (0.0, 1.0)
    assert (found.fit.seed, found.fit.objective) == (5, "rate+lambda*mse")
    assert (found.fit.epochs, found.fit.lr, found.fit.optimizer) == (3, 4e-3, "adam")
    assert Recipe.from_dict(found.to_dict()) == found


def test_images_are_training_images_and_apart():
    images, watched = changed().images()
    assert torch.equal(images, DIGITS.train.images[:150])
    assert torch.equal(watched, DIGITS.train.images[150:170])
    none = Recipe.from_toml(TEXT.replace("validation", "#"))
    assert none.validation == {}
    assert none.images()[1] is None


def test_changes():
    found = changed(
        "fit.epochs=7", " fit . schedule = cosine", "seed=9", "data.training.digits=100",
        "data.validation={}", "network.lambdas=[1, 2, 3]", "kind=two words",
    )  # fmt: skip
    assert (found.fit.epochs, found.fit.schedule, found.fit.seed) == (7, "cosine", 9)
    assert (found.training, found.validation) == ({"digits": 100}, {})
    assert found.network["lambdas"] == (1.0, 2.0, 3.0)
    assert found.kind == "two words"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("nmae=x", "unknown key nmae; did you mean name? known: data, fit, judge, kind, name"),
        ("data.test={}", "unknown key data.test; did you mean data.tables? known: tables, tr"),
        ("network.widht=3", "unknown key network.widht; did you mean network.width?"),
        ("network.image_shape=[1,1,1]", "unknown key network.image_shape"),
        ("fit.epoch=3", "unknown key fit.epoch; did you mean fit.epochs?"),
        ("fit.seed=3", "unknown key fit.seed"),
        ("name=a/b", "name must be letters, digits, - and _, for it is that of files, not 'a/b'"),
        ("kind=3", "kind must be words, not 3"),
        ("seed=-1", "seed must be a whole number in 0 …"),
        ("data=3", "data must be a table, not 3"),
        ("data.training=3", "data.training must be a table, not 3"),
        ("data.training={}", "data.training must name a data set"),
        ("data.training.digits=0", "data.training.digits must be a whole number of at least 1"),
        ("data.training.digits=1.5", "data.training.digits must be a whole number of at least 1"),
        ("data.training.Digits=1", "data.training: digits is there twice"),
        ("data.training.digitz=1", "data.training: unknown data set 'digitz'"),
        ("data.validation.digits=5", "[first, behind the last], not 5"),
        ("data.validation.digits=[160]", "[first, behind the last], not [160]"),
        ("data.validation.digits=[149, 160]", "must begin behind the 150 images that are trained"),
        ("data.validation.digits=[160, 160]", "data.validation.digits[1] must be a whole number"),
        ("data.validation.mnist=[1, 2]", "data.validation.mnist: must be one of data.training"),
        ("data.tables=0", "data.tables must be a whole number of at least 1, not 0"),
        ("network.groups=[]", "network.groups must be whole numbers, such as [2, 4], not []"),
        ("network.groups=[1, 0]", "every one of network.groups must be a whole number"),
        ("network.lambdas=[1]", "network.lambdas must be at least two rising numbers, not [1]"),
        ("network.lambdas=[2, 1]", "network.lambdas must be at least two rising numbers"),
        ("network.lambdas=[-2, 1]", "every one of network.lambdas must be a finite number above"),
        ("network.data_range=[1, 0]", "network.data_range[1] must be a finite number above 1"),
        ("network.patch=x", "network.patch must be a whole number of at least 1, not 'x'"),
        ("fit.lr=fast", "fit.lr must be a finite number of at least 0, not 'fast'"),
        ("fit.optimizer=adm", "fit.optimizer must be one of"),
    ],
)
def test_what_is_refused(change, message):
    with pytest.raises(UsageError) as caught:
        changed(change)
    assert message in str(caught.value)
    assert str(caught.value).startswith("tiny.toml: ")


@pytest.mark.parametrize("key", ["name", "kind", "seed", "groups", "lambdas", "training"])
def test_what_is_missing(key):
    lines = [line for line in TEXT.splitlines() if not line.startswith(f"{key} =")]
    with pytest.raises(UsageError, match=rf"^recipe: ([a-z]+\.)?{key} is missing"):
        Recipe.from_toml("\n".join(lines))


@pytest.mark.parametrize("text", ["fit.epochs", "=3", "a b=3", "fit..x=3", "seed.x=3"])
def test_changes_that_are_none(text):
    with pytest.raises(UsageError, match="--set: "):
        changed(text)


def test_what_only_the_images_tell():
    with pytest.raises(UsageError, match=r"data\.training\.digits: there are 1,437 .* not 2,000"):
        changed("data.training.digits=2000", "data.validation={}").train()
    with pytest.raises(UsageError, match=r"data\.validation\.digits: there are 1,437"):
        changed("data.validation.digits=[1400, 1500]").images()
    with pytest.raises(UsageError, match="cannot have 17 together"):
        changed("network.groups=[17]").train()
    with pytest.raises(DatasetError, match="nowhere"):
        changed("data.training.'/nowhere/'=3").images()


def test_files(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(TEXT)
    assert Recipe.load(path) == Recipe.load(str(path)) == changed()
    path.write_text("name = x\n")
    with pytest.raises(UsageError, match=r"^mine\.toml: not TOML: .*line 1"):
        Recipe.load(path)
    path.write_bytes(b"\xff")
    with pytest.raises(UsageError, match=r"^mine\.toml: not TOML: not UTF-8"):
        Recipe.load(path)
    with pytest.raises(FileNotFoundError, match=r"other\.toml: there is no such recipe"):
        Recipe.load(tmp_path / "other.toml")
    with pytest.raises(
        UsageError,
        match="no recipe 'hause'; there are house-colour, house-colour-classifier, house-colour-ms",
    ):
        Recipe.load("hause")


def test_recipes_of_the_package():
    names = [
        "house-colour", "house-colour-classifier", "house-colour-ms-ssim", "house-digits",
        "house-gray", "house-gray-classifier", "house-gray-ms-ssim",
    ]  # fmt: skip
    assert recipe.names() == names
    found = [Recipe.load(name) for name in names]
    assert [each.name for each in found] == names
    colour, machines, structure, digits, gray, classifier, gray_structure = found
    for one, start in ((structure, "house-colour"), (gray_structure, "house-gray")):
        assert (one.start, one.fit.objective) == (start, "rate+lambda*ms_ssim")
    for one, start in ((machines, "house-colour"), (classifier, "house-gray")):
        assert (one.start, one.fit.objective) == (start, "rate+lambda*judge")
        assert isinstance(imgcomp.load(one.judge), imgcomp.models.Classifier)
    # They begin with the weights of the others, whose networks they so must have.
    assert classifier.model(DIGITS.train.images).num_parameters == 680_977
    assert machines.model(torch.zeros(4, 3, 32, 32, dtype=torch.uint8)).num_parameters == 847_315
    assert colour.training == {"cifar-10": 48000, "cifar-100": 48000}
    assert colour.validation == {"cifar-10": (48000, 49000), "cifar-100": (48000, 48500)}
    lambdas = (40.0, 120.684, 364.113, 1098.561, 3314.454, 10000.0)
    assert colour.network == {"groups": (6, 10, 12, 20), "lambdas": lambdas}
    assert gray.training == {"fashion-mnist": 58000, "mnist": 20000}
    assert gray.validation == {"fashion-mnist": (58000, 59000), "mnist": (58000, 58250)}
    lambdas = (20.0, 69.314, 240.225, 832.553, 2885.4, 10000.0)
    assert gray.network == {
        "groups": (2, 3, 4, 7), "inner": 48, "data_range": (0.0, 1.0), "lambdas": lambdas,
    }  # fmt: skip
    assert colour.fit == imgcomp.FitConfig(
        objective="rate+lambda*mse", epochs=18, batch_size=32, lr=2e-3, optimizer="adam",
        schedule="cosine", warmup_epochs=0.2, final_fraction=0.01, grad_clip=1.0, threads=1, seed=1,
        betas=(0.9, 0.99), keep_best="val_loss",
    )  # fmt: skip
    assert gray.fit == replace(colour.fit, epochs=30)
    images, watched = digits.images()
    assert (len(images), len(watched)) == (1200, 200)


def test_training(trained, tmp_path):
    found, path = trained
    codec = found.codec
    assert found.history.epochs == 3
    assert found.history["val_loss"][-1] < found.history["val_loss"][0]
    assert (codec.name, codec.image_shape, codec.quality) == ("tiny", (1, 28, 28), 60)
    codec.save(tmp_path / "tiny.safetensors")
    kinds = {t.dtype for t in read_model_file(tmp_path / "tiny.safetensors").weights.values()}
    assert kinds == {torch.float16}
    assert Codec.load(tmp_path / "tiny.safetensors").digest == codec.digest
    # The checkpoint has the unrounded weights of the same network.
    last = imgcomp.load(path).state_dict()
    for name, tensor in codec.model.state_dict().items():
        torch.testing.assert_close(tensor, last[name], rtol=1e-3, atol=1e-4)
    test = DIGITS.test.images
    sizes = [len(codec.at(quality).compress(test)) for quality in (1, 50, 100)]
    assert sizes[0] < sizes[1] < sizes[2]


def test_resumed_is_uninterrupted_to_the_bit(trained, tmp_path):
    whole, _ = trained
    path = tmp_path / "tiny.safetensors"
    for epoch in (1, 2):
        with pytest.raises(KeyboardInterrupt):
            changed().train(checkpoint=path, resume=True, progress=Interrupting())
        assert read_model_file(path).training["epoch"] == epoch
    resumed = changed().train(checkpoint=path, resume=True, progress=False)
    assert resumed.codec.to_bytes() == whole.codec.to_bytes()
    for name in ("epoch", "loss", "val_loss", "bpp", "psnr"):
        assert resumed.history[name].tolist() == whole.history[name].tolist()


def test_a_finished_training_gives_its_codec_again(trained):
    whole, path = trained
    before = path.read_bytes()
    again = changed().train(checkpoint=path, resume=True, progress=False)
    assert again.codec.to_bytes() == whole.codec.to_bytes()
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("fit.lr=1e-3", "lr was 0.004 and is now 0.001"),
        ("network.width=12", "another network"),
        ("data.training.digits=149", "other data"),
        ("seed=6", "seed was 5"),
    ],
)
def test_another_training_is_not_gone_on_with(trained, change, message):
    with pytest.raises(CheckpointError, match=message):
        changed(change).train(checkpoint=trained[1], resume=True, progress=False)


def test_threads_are_as_before(trained):
    before = torch.get_num_threads()
    changed("fit.threads=2", "fit.epochs=3").train(
        checkpoint=trained[1], resume=True, progress=False
    )
    assert torch.get_num_threads() == before


def test_a_training_begins_with_another_codec_and_for_a_judge(tmp_path):
    first = changed("fit.epochs=1").train(progress=False)
    first.codec.save(tmp_path / "first.safetensors")
    judge = imgcomp.models.feng2018_classifier(seed=1)
    imgcomp.save(judge, tmp_path / "judge.safetensors")
    start, by = (f'"{tmp_path / name}.safetensors"' for name in ("first", "judge"))
    more = (f"start={start}", f"judge={by}", 'fit.objective="rate+lambda*judge"', "fit.lr=0.0")
    with_all = changed(*more)
    assert Recipe.from_dict(with_all.to_dict()) == with_all
    trained = with_all.train(progress=False)
    # Nothing moves at a rate of 0: the codec is what it began with, and was judged.
    images = DIGITS.test.images[:20]
    assert torch.equal(trained.codec.codes(images), first.codec.codes(images))
    assert "agreement" in trained.history
    with pytest.raises(UsageError, match=r"start: the weight .* must be floating point of shape"):
        changed(*more, "network.width=9").model(DIGITS.train.images)
    with pytest.raises(UsageError, match=r"judge: .*first\.safetensors holds no classifier"):
        changed(*more[:1], f"judge={start}", *more[2:]).train(progress=False)
    with pytest.raises(FileNotFoundError):
        changed('judge="none.safetensors"').train(progress=False)
