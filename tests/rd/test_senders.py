"""What rivals and the package's codecs send, and how its bytes are counted."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch
from rd_tools import dense_codec, digits, never, several_rates, smooth

from imgcomp import datasets, metrics, models
from imgcomp.codec import Archive
from imgcomp.errors import UsageError
from imgcomp.papers.common import model_from
from imgcomp.rd import ordinary, pca, quality, symbols, vectors
from imgcomp.rd.lines import lines_of
from imgcomp.rd.material import Material
from imgcomp.rd.package import CodecSender, FingerprintedCodec, sender, settings
from imgcomp.rd.plan import planned
from imgcomp.rd.sending import OrdinarySender
from imgcomp.stages import Runner, StageStopped

_PATH = Path(__file__).parents[1] / "golden" / "archives.py"
_spec = importlib.util.spec_from_file_location("archives", _PATH)
archives = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(archives)


def split(images):
    labels = torch.zeros(len(images), dtype=torch.int64)
    return datasets._split.Split(images, labels, ("image",), "images")


def computed(folder, node):
    return Runner(folder).run([node])[node]


def psnr(images, sent):
    return float(quality.measured(images, sent.images)["psnr"].mean())


def test_an_ordinary_codec_sends_files_and_one_mosaic():
    images = digits(6)
    (codec, _) = ordinary.rivals("webp", 1)
    sent = OrdinarySender(codec, 60).send(images, never)
    files = [codec.encode(image, 60) for image in images]
    assert sent.file.tolist() == [len(data) for data in files]
    assert torch.equal(sent.images[3], codec.decode(files[3], 1))
    picture = torch.cat([torch.cat(list(row), dim=2) for row in images.view(2, 3, 1, 28, 28)], 1)
    mosaic = codec.encode(picture, 60)
    assert float(sent.mosaic.sum()) == pytest.approx(len(mosaic))
    assert torch.equal(sent.mosaic_images[4], codec.decode(mosaic, 1)[:, 28:, 28:56])
    # Shared headers save something, and each image has its part by what it takes alone.
    assert sent.mosaic.sum() < sent.file.sum()
    assert torch.equal(sent.mosaic.argsort(), sent.payload.argsort())
    assert torch.equal(OrdinarySender(codec, 60).images(images, never), sent.images)


def test_sending_ends_where_it_is_stopped():
    def stopped():
        raise StageStopped

    (codec,) = ordinary.rivals("png", 1)
    with pytest.raises(StageStopped):
        OrdinarySender(codec, 9).send(digits(2), stopped)


def test_symbols_come_back_and_unlikely_ones_too():
    seen = torch.tensor([[0, 5], [1, 5], [1, 7], [0, 5]])
    tables = symbols.counted(seen)
    given = torch.tensor([[1, 5], [-40, 1000], [0, 6]])
    data, each = symbols.stream_of(tables, given)
    assert torch.equal(tables.decode(data, (3, 2), torch.arange(2)), given.int())
    assert float(each.sum()) == pytest.approx(len(data))
    assert each[1] == each.max()


@pytest.fixture(scope="module")
def basis(tmp_path_factory):
    node = pca.pca_basis("basis", {"components": 256, "fitted": 200}, train=split(smooth(200)))
    return computed(tmp_path_factory.mktemp("pca"), node)


def test_principal_components_send_more_for_finer_steps_and_more_of_them(basis):
    images = smooth(60)
    rough, fine = (pca.PcaSender(basis, 64, step).send(images, never) for step in (400, 20))
    assert rough.file.sum() < fine.file.sum()
    assert psnr(images, rough) < psnr(images, fine)
    few = pca.PcaSender(basis, 8, 20).send(images, never)
    assert few.file.sum() < fine.file.sum()
    assert psnr(images, few) < psnr(images, fine)
    assert torch.equal(fine.file, fine.payload)
    assert fine.mosaic is None


def test_principal_components_are_orthonormal_and_counted_as_float32(basis):
    directions = basis["basis"]
    assert torch.allclose(directions.T @ directions, torch.eye(directions.shape[1]), atol=1e-4)
    spread = basis["coefficients"].square().mean(0)
    assert (spread.diff() <= 1e-3 * spread[0]).all()
    assert pca.PcaSender(basis, 8, 20).model_bytes == 4 * (768 + 8 * 768)


def test_all_components_in_small_steps_lose_nearly_nothing(tmp_path):
    images = torch.randint(0, 256, (40, 1, 4, 4), dtype=torch.uint8)
    node = pca.pca_basis("basis", {"components": 16, "fitted": 40}, train=split(images))
    sender = pca.PcaSender(computed(tmp_path, node), 16, 0.5)
    sent = sender.send(images, never)
    assert (sent.images.int() - images.int()).abs().max() <= 1
    assert torch.equal(sender.images(images, never), sent.images)


def test_patches_there_and_back():
    images = torch.arange(2 * 3 * 8 * 12).view(2, 3, 8, 12)
    patches = vectors.cut(images, 4)
    assert patches.shape == (6, 2, 48)
    assert torch.equal(patches[4, 1], images[1, :, 4:, 4:8].flatten())
    assert torch.equal(vectors.joined(patches, 4, images.shape), images)


@pytest.mark.parametrize(
    ("size", "sides"), [((28, 28), [28, 14, 7, 4, 2]), ((32, 32), [32, 16, 8, 4, 2]),
                        ((8, 12), [4, 2]), ((5, 7), [1])]
)  # fmt: skip
def test_sides_of_patches(size, sides):
    assert vectors.patch_sides(*size) == sides


def test_product_quantisation_sends_known_patches_exactly(tmp_path):
    images = smooth(12, 1, 8)
    node = vectors.pq_centres(
        "pq", {"side": 4, "bits": 4, "fitted": 12, "seed": 0}, train=split(images)
    )
    sender = vectors.VectorSender(computed(tmp_path, node), 4)
    sent = sender.send(images, never)
    # Twelve centres for twelve images: each patch is one of them.
    assert torch.equal(sent.images, images)
    assert torch.equal(sender.images(images, never), images)
    assert float(sent.file.sum()) <= 12 * 4 * 4 / 8 + 4
    assert sender.model_bytes == 4 * 12 * 16


def test_product_quantisation_of_smaller_patches_is_closer(tmp_path):
    train, test = split(digits(120)), digits(150)[120:]
    found = []
    for side in (28, 14):
        config = {"side": side, "bits": 4, "fitted": 120, "seed": 0}
        node = vectors.pq_centres(f"pq/{side}", config, train=train)
        found.append(vectors.VectorSender(computed(tmp_path, node), side).send(test, never))
    assert found[0].file.sum() < found[1].file.sum()
    assert psnr(test, found[0]) < psnr(test, found[1])


def test_a_codec_of_the_package_is_counted_by_its_archive():
    codec, images = dense_codec(), digits(20)
    whole = CodecSender(codec)
    sent = whole.send(images, never)
    data = codec.compress(images)
    assert float(sent.file.sum()) == pytest.approx(len(data))
    assert torch.equal(sent.images, codec.decompress(data))
    with Archive(data, codec=codec) as archive:
        assert float(sent.payload.sum()) == pytest.approx(len(archive.block(0).stream))
    assert sent.alone > float(sent.file.mean())
    assert sent.alone == sum(len(codec.compress(image[None])) for image in images) / 20
    assert whole.model_bytes == len(codec.to_bytes())
    assert settings(codec) == [0]
    assert FingerprintedCodec(codec).fingerprint == codec.digest


def test_a_progressive_codec_sends_its_first_iterations():
    codec, images = archives.progressive_codec(), archives.images(9, (3, 4, 4))
    assert settings(codec) == [1, 2, 3]
    sent = [CodecSender(codec, iterations).send(images, never) for iterations in (1, 2, 3)]
    totals = [float(each.file.sum()) for each in sent]
    assert totals == sorted(totals)
    assert totals[-1] == pytest.approx(len(codec.compress(images)))
    assert [float(each.payload.sum()) for each in sent] == sorted(
        float(each.payload.sum()) for each in sent
    )
    assert torch.equal(sent[2].images, codec.decompress(codec.compress(images)))
    with Archive(codec.compress(images), codec=codec, iterations=1) as archive:
        assert torch.equal(sent[0].images, archive[:])
    assert float(sent[0].payload.sum()) < float(sent[2].payload.sum())


def test_shares_of_an_archive_are_in_proportion_to_streams_of_single_images():
    images = digits(7)
    for codec in (dense_codec(), several_rates(digits(40))):
        sent = CodecSender(codec).send(images, never)
        alone = torch.tensor([len(codec.encode(image[None])) for image in images]).double()
        expected = alone / alone.sum() * len(codec.compress(images))
        assert torch.allclose(sent.file, expected)


def test_a_codec_of_several_rates_sends_at_its_quality():
    codec, images = several_rates(digits(40)), digits(20)
    assert settings(codec) == [1, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100]
    sent = [sender(codec, quality).send(images, never) for quality in (1, 60, 100)]
    assert [float(each.file.sum()) for each in sent] == pytest.approx(
        [len(codec.at(quality).compress(images)) for quality in (1, 60, 100)]
    )
    assert sent[0].file.sum() < sent[1].file.sum() < sent[2].file.sum()
    assert psnr(images, sent[0]) < psnr(images, sent[1]) < psnr(images, sent[2])
    assert torch.equal(sent[0].images, codec.at(1).decompress(codec.at(1).compress(images)))


def test_fingerprints_tell_qualities_apart_though_digests_do_not():
    codec = several_rates(digits(40))
    low, high = codec.at(10), codec.at(90)
    assert low.digest == high.digest
    assert FingerprintedCodec(low).fingerprint == f"{codec.digest}@10"
    assert FingerprintedCodec(high).fingerprint == f"{codec.digest}@90"


def test_stages_of_different_qualities_are_different_stages(tmp_path):
    several_rates(digits(40)).save(tmp_path / "several.safetensors")
    (line,) = lines_of([str(tmp_path / "several.safetensors")], (1, 28, 28))
    sent = Material("some", split(digits(3)), split(digits(9)), labelled=False)
    nodes = planned([line], sent, judge_epochs=0, retrain_images=0).points["several"]
    assert len({node.key for node in nodes}) == 11
    # The input alone would do, were the setting not in the configuration as well.
    assert len({node.inputs["model"].fingerprint for node in nodes}) == 11


def test_a_codec_asks_another_classifier_than_the_one_that_judges(tmp_path):
    codec = several_rates(digits(40), objective="rate+lambda*judge")
    codec.save(tmp_path / "mine.safetensors")
    lines = lines_of([f"{tmp_path / 'mine.safetensors'}@1:own"], (1, 28, 28))
    loaded = datasets.load("digits")
    sent = Material("digits", loaded.test.take(6), loaded.train.take(64), labelled=True)
    plan = planned(lines, sent, judge_epochs=1, retrain_images=0)
    node = plan.points["mine@1:own"][5]
    seeds = {name: node.inputs[name].config["seed"] for name in ("classifier", "asked")}
    assert seeds == {"classifier": 0, "asked": 7}

    found = Runner(tmp_path).run([node, node.inputs["asked"]])
    asked = model_from(found[node.inputs["asked"]])
    alone = codec.at(50).with_effort(1, judge=asked).compress(sent.test.images)
    assert float(found[node]["file"].sum()) == pytest.approx(len(alone))
    assert len(alone) != len(codec.at(50).compress(sent.test.images))

    unlabelled = Material("some", sent.test, sent.train, labelled=False)
    for material, epochs in ((unlabelled, 1), (sent, 0)):
        with pytest.raises(UsageError, match="asks a classifier of the images' own classes, and"):
            planned(lines, material, judge_epochs=epochs, retrain_images=0)


def test_the_longest_stages_begin_first():
    lines = lines_of(["png", "webp", "avif"], (3, 32, 32))
    sent = Material("some", split(smooth(3)), split(smooth(9)), labelled=False)
    nodes = planned(lines, sent, judge_epochs=0, retrain_images=0).points
    costs = {name: rows[0].cost for name, rows in nodes.items()}
    assert sorted(costs, key=costs.__getitem__) == ["png", "webp", "avif-444", "webp-lossless"]


def test_a_codec_of_any_size_takes_a_photograph_as_it_is_and_others_its_tiles():
    picture = smooth(1, 1, 56)[0, :, :, :44]
    codec = several_rates(digits(40))
    size, back = sender(codec, 80).photograph(picture, 28)
    data = codec.at(80).for_images(56, 44).compress(picture[None])
    assert size == len(data)
    assert torch.equal(back, codec.for_images(56, 44).decompress(data)[0])
    tall = smooth(1, 1, 56)[0, :, :, :28]
    size, back = CodecSender(dense_codec()).photograph(tall, 28)
    tiled = torch.stack([tall[:, :28], tall[:, 28:]])
    assert size == len(dense_codec().compress(tiled))
    assert torch.equal(back[:, 28:], dense_codec().decompress(dense_codec().compress(tiled))[1])


def test_a_photograph_is_tiles_for_a_codec_that_asks_a_classifier():
    codec = several_rates(digits(40), objective="rate+lambda*judge")
    codec = codec.at(30).with_effort(1, judge=models.buell2022(seed=1))
    tall = smooth(1, 1, 56)[0, :, :, :28]
    size, back = CodecSender(codec).photograph(tall, 28)
    data = codec.compress(torch.stack([tall[:, :28], tall[:, 28:]]))
    assert size == len(data)
    assert torch.equal(back[:, 28:], codec.decompress(data)[1])


def test_measures_of_equal_and_of_tiny_images():
    images = archives.images(5, (3, 4, 4))
    found = quality.measured(images, images)
    assert found["psnr"].tolist() == [99.0] * 5
    assert found["ssim"].isnan().all()
    assert found["ms_ssim"].tolist() == pytest.approx([1.0] * 5)
    shown = quality.summary({**found, "correct": torch.tensor([1.0, 0, 0, 1, 1])})
    assert shown == {
        "psnr": 99.0,
        "ssim": None,
        "ms_ssim": pytest.approx(1.0),
        "psnr_pooled": 99.0,
        "accuracy": pytest.approx(0.6),
    }


def test_the_variant_of_ms_ssim_can_be_chosen():
    one, other = smooth(3, 1, 28), smooth(4, 1, 28)[1:]
    for variant in ("adaptive", "renormalised"):
        found = quality.measured(one, other, variant)["ms_ssim"]
        assert torch.equal(found, metrics.ms_ssim(one, other, variant))


def test_the_pooled_psnr_is_of_the_mean_error():
    black = torch.zeros(2, 1, 12, 12, dtype=torch.uint8)
    other = black.clone()
    other[0] += 10
    other[1] += 30
    found = quality.summary(quality.measured(black, other))
    # 28.1308 and 18.5884 dB; the mean error of 100 and 900 is 500.
    assert found["psnr"] == pytest.approx(23.3596, abs=1e-4)
    assert found["psnr_pooled"] == pytest.approx(21.1411, abs=1e-4)


def test_shares_of_what_is_in_common():
    assert quality.shares(30, [1, 2, 3]).tolist() == [5, 10, 15]
    assert quality.shares(30, torch.zeros(3)).tolist() == [10, 10, 10]
