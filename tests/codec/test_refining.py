"""Codes that an encoder with an effort finds: better ones, which any decoder reads."""

from __future__ import annotations

import math

import pytest
import torch
from digits_codec import LAMBDAS, digits, digits_codec

import imgcomp
from imgcomp import _core, codec, models
from imgcomp.codec import Codec
from imgcomp.codec.context_code import ContextCode
from imgcomp.codec.recipe import Recipe
from imgcomp.codec.refining import MOST_EFFORT, rounds
from imgcomp.errors import UsageError


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return digits()


@pytest.fixture(scope="module")
def trained(images: torch.Tensor) -> Codec:
    """Long enough that the network knows what codes cost."""
    return digits_codec(images, epochs=60, batch_size=10)


def costs(given: Codec, images: torch.Tensor) -> torch.Tensor:
    """rate + lambda · mse of each image, in bits per pixel, from real tables and bytes."""
    assert isinstance(given.code, ContextCode)
    low, high = (math.log(LAMBDAS[int(given.code.level) + i]) for i in (0, 1))
    weight = math.exp(low + (high - low) * (given.code.level % 1))
    codes = given.codes(images)
    back = given.images(given.code.values(given.code.symbols(codes)))
    errors = (back.double() - images.double()).div(255).square().flatten(1).mean(1)
    bits = [given.code.bits(code[None]) for code in codes]
    return torch.tensor(bits) / images[0].numel() + weight * errors


@pytest.mark.parametrize(("quality", "at_one", "at_four"), [(20, 1.0, 0.99), (80, 0.99, 0.98)])
def test_codes_get_better_with_the_effort(
    trained: Codec, images: torch.Tensor, quality: int, at_one: float, at_four: float
) -> None:
    """By how much is a matter of the training, which differs by rounding between processors."""
    at = trained.at(quality)
    usual, some, more = (costs(at.with_effort(effort), images[:40]) for effort in (0, 1, 4))
    assert bool((some <= usual + 1e-5).all())
    assert bool((more <= usual + 1e-5).all())
    assert more.mean() < some.mean() < at_one * usual.mean()
    assert more.mean() < at_four * usual.mean()


@pytest.fixture(scope="module")
def classifier(images: torch.Tensor) -> models.Classifier:
    """Of the digits, after a few epochs."""
    labelled = imgcomp.datasets.load("digits").train.take(len(images))
    found = models.buell2022(seed=1)
    imgcomp.fit(found, labelled, epochs=6, batch_size=10, optimizer="adam", lr=1e-3, progress=False)
    return found


def divergence(judge: models.Classifier, images: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
    """Of what a classifier makes of images from what it makes of the originals, nats, (N,)."""
    wanted, found = (judge.predict(each).log_softmax(1) for each in (images, seen))
    return (wanted.exp() * (wanted - found)).sum(1)


def test_codes_get_better_at_what_was_trained_for(
    trained: Codec, images: torch.Tensor, classifier: models.Classifier
) -> None:
    images = images[:40]
    weight = LAMBDAS[1]
    ms_ssim, judge = (
        codec.from_model(trained.model, images, objective=f"rate+lambda*{term}").at(50)
        for term in ("ms_ssim", "judge")
    )
    assert isinstance(ms_ssim.code, ContextCode)
    assert ms_ssim.code.level == pytest.approx(1.0, abs=0.02)
    distortions = (
        (ms_ssim, ms_ssim.with_effort(1), lambda seen: 1 - imgcomp.metrics.ms_ssim(images, seen)),
        (
            judge,
            judge.with_effort(1, judge=classifier),
            lambda s: divergence(classifier, images, s),
        ),
    )
    for usual, patient, distortion in distortions:
        lost, rates = [], []
        for given in (usual, patient):
            codes = given.codes(images)
            seen = given.images(given.code.values(given.code.symbols(codes)))
            rates.append(given.code.bits_of_each(codes) / images[0].numel())
            lost.append(distortion(seen))
        before, after = (rate + weight * each for rate, each in zip(rates, lost, strict=True))
        assert bool((after <= before * 1.02 + 1e-3).all())
        assert after.mean() < 0.9 * before.mean()
    assert lost[1].mean() < 0.5 * lost[0].mean()
    assert patient.decompress(patient.compress(images)).shape == images.shape


def test_a_codec_of_the_package_knows_its_classifier() -> None:
    images = imgcomp.datasets.load("digits").test.images[:6]
    at = codec.load("house-gray-classifier").at(40)
    patient = at.with_effort(1)
    assert patient.judge is not None
    assert patient.judge.input_shape == (1, 28, 28)
    assert not any(weight.requires_grad for weight in patient.judge.parameters())
    lost = [
        divergence(patient.judge, images, c.decompress(c.compress(images))) for c in (at, patient)
    ]
    assert lost[1].mean() < lost[0].mean()
    assert at.judge is patient.with_effort(0).judge is None
    with pytest.raises(UsageError, match=r"the judge sees images of \(1, 28, 28\), not of"):
        patient.for_images(20, 20).compress(images[:, :, :20, :20])


def test_files_say_what_was_trained_for(trained: Codec, images: torch.Tensor) -> None:
    other = codec.from_model(trained.model, images, objective="rate+lambda*ms_ssim")
    again = Codec.from_bytes(other.to_bytes())
    assert isinstance(again.code, ContextCode)
    assert again.code.objective == "rate+lambda*ms_ssim"
    assert again.digest == other.digest
    for name in codec.names():
        if name.startswith("house"):
            code = codec.load(name).code
            assert isinstance(code, ContextCode)
            assert code.objective == Recipe.load(name).fit.objective


def test_files_are_read_by_a_decoder_that_knows_nothing_of_it(
    trained: Codec, images: torch.Tensor
) -> None:
    images = images[:60]
    data = trained.with_effort(1).compress(images)
    assert data != trained.compress(images)
    found = trained.decompress(data)
    errors = [
        float((each.double() - images.double()).square().mean())
        for each in (found, trained.decompress(trained.compress(images)))
    ]
    assert errors[0] < 1.5 * errors[1]
    # What was decoded is coded again as it is.
    code = trained.code
    assert isinstance(code, ContextCode)
    codes = trained.with_effort(1).codes(images)
    again = code.decode(code.encode(codes), len(images))
    assert torch.equal(code.symbols(again), code.symbols(codes))


def test_the_same_codes_each_time_however_many_threads(
    trained: Codec, images: torch.Tensor
) -> None:
    images = images[:60]
    at, before = trained.with_effort(1), torch.get_num_threads()
    found = []
    for threads in (1, 2, 2):
        torch.set_num_threads(threads)
        found.append(at.codes(images))
    torch.set_num_threads(before)
    assert torch.equal(found[1], found[2])
    torch.testing.assert_close(found[0], found[1], rtol=0, atol=1e-3)


def test_views_of_a_codec_keep_the_effort(trained: Codec) -> None:
    given = trained.with_effort(2)
    assert (trained.effort, given.effort) == (0, 2)
    assert given.at(7).effort == given.for_images(20, 31).effort == 2
    assert given.digest == trained.digest
    assert given.with_effort(0).effort == 0
    assert [rounds(effort) for effort in (0, 1, 2, 3)] == [0, 50, 100, 200]


def test_images_of_another_size(trained: Codec) -> None:
    image = torch.arange(21 * 30).view(1, 1, 21, 30).remainder(251).to(torch.uint8)
    at = trained.for_images(21, 30).with_effort(1)
    assert at.decompress(at.compress(image)).shape == image.shape
    assert at.codes(image[:0]).shape[0] == 0


def test_one_call(images: torch.Tensor, trained: Codec) -> None:
    images = images[:20]
    data = codec.compress(images, codec=trained, quality=30, effort=1)
    assert data == trained.at(30).with_effort(1).compress(images)
    assert codec.compress(images, codec=trained, effort=0) == trained.compress(images)
    # A quality is chosen without the effort, which would take as long for each one that is tried.
    rates = [codec.compress(images, codec=trained, target_bpp=0.4, effort=e) for e in (0, 1)]
    assert len({codec.open(data, codec=trained).quality for data in rates}) == 1


def test_refusals(trained: Codec, images: torch.Tensor, classifier: models.Classifier) -> None:
    for wrong in (-1, MOST_EFFORT + 1, 1.5, True):
        with pytest.raises(UsageError, match="effort"):
            trained.with_effort(wrong)  # type: ignore[arg-type]
    one_rate = codec.from_model(models.feng2018_cnn(seed=1), images)
    unlike = codec.from_model(trained.model, images, objective="l1")
    for other in (one_rate, unlike):
        with pytest.raises(UsageError, match="no effort to choose: only codes of several rates"):
            other.with_effort(1)
        assert other.with_effort(0).effort == 0
    with pytest.raises(UsageError, match="at an effort of 1 or more, not at 0"):
        trained.with_effort(0, judge=classifier)
    with pytest.raises(
        UsageError, match="'digits' was trained for 'rate\\+lambda\\*mse': no judge"
    ):
        trained.with_effort(1, judge=classifier)
    judged = codec.from_model(trained.model, images, objective="rate+lambda*judge", name="mine")
    with pytest.raises(UsageError, match=r"'mine' was trained for a classifier .* give that one"):
        judged.with_effort(1)
    with pytest.raises(UsageError, match="judge must be a Classifier, not Autoencoder"):
        judged.with_effort(1, judge=trained.model)  # type: ignore[arg-type]


def test_refusals_of_the_core(trained: Codec, images: torch.Tensor) -> None:
    code = trained.code
    assert isinstance(code, ContextCode)
    steps = code.steps(trained.codes(images))

    def refined(
        images: torch.Tensor = images,
        steps: torch.Tensor = steps,
        level: float = 0.5,
        objective: str = "rate+lambda*mse",
        rounds: int = 2,
        model: object = trained.model,
    ) -> torch.Tensor:
        return _core.refine_steps(model._core, images, steps, level, objective, rounds)  # type: ignore[attr-defined]

    assert torch.equal(refined(rounds=0), steps)
    lost = _core.distortions(trained.model._core, images, images.roll(1, 3), 0.5, "rate+3*l1")
    expected = (images.float() - images.roll(1, 3).float()).abs().flatten(1).mean(1) / 85
    torch.testing.assert_close(lost, expected)
    for objective, message in (("bce", "needs outputs in"), ("cross_entropy", "classifier")):
        with pytest.raises(UsageError, match=message):
            _core.distortions(trained.model._core, images, images, 0.5, objective)
    for arguments, message in (
        ({"images": images[1:]}, "steps must be float32 of 199 codes"),
        ({"steps": steps.double()}, "steps must be float32 of 200 codes, not Double"),
        ({"level": 2.5}, "the level must be 0 to 2"),
        ({"rounds": -1}, "0 or more rounds"),
        ({"objective": "rates"}, "objective must be"),
        ({"steps": steps[:, 1:]}, "code"),
        ({"model": models.feng2018_cnn()}, "code"),
    ):
        with pytest.raises(UsageError, match=message):
            refined(**arguments)  # type: ignore[arg-type]
