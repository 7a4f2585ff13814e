"""Images of other sizes than a network's own: padding, cropping, and networks made to measure."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from imgcomp import models
from imgcomp.errors import SpecError, UsageError
from imgcomp.models import sizes


def photographs(count=2, channels=3, height=37, width=50):
    generator = torch.Generator().manual_seed(1)
    shape = (count, channels, height, width)
    return torch.randint(256, shape, dtype=torch.uint8, generator=generator)


@pytest.mark.parametrize(
    ("model", "multiple"),
    [
        (models.bhattacharya2020(), (4, 4)),
        (models.kawaguchi2022_1(), (2, 2)),
        (models.donis2020(), (16, 16)),
        (models.toderici2017(width=0.1), (16, 16)),
        (models.toderici2017(width=0.1, reconstruction="residual_scaling"), (32, 32)),
    ],
)
def test_pixels_that_a_value_of_the_code_covers(model, multiple):
    assert sizes.multiples(model.spec) == multiple
    height, width = (3 * side for side in multiple)
    assert model.for_images(height, width).input_shape == (model.input_shape[0], height, width)


def test_multiples_of_uneven_strides_and_pools():
    layers = [
        models.layers.conv2d(4, 3, stride=(2, 1), padding=1),
        models.layers.max_pool2d((3, 2)),
        models.layers.avg_pool2d(3, stride=1),
    ]
    assert sizes.multiples({"parts": {"encoder": layers}}) == (6, 2)


def test_padding_repeats_the_edge():
    image = torch.tensor([[[[1, 2, 3], [4, 5, 6]]]], dtype=torch.uint8)
    assert sizes.pad(image, (2, 2)).tolist() == [[[[1, 2, 3, 3], [4, 5, 6, 6]]]]
    assert sizes.pad(image, (3, 1)).tolist() == [[[[1, 2, 3], [4, 5, 6], [4, 5, 6]]]]
    assert sizes.pad(image, (1, 3)) is image


@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.tuples(st.integers(1, 20), st.integers(1, 20)),
)
def test_padding_is_the_least(height, width, multiple):
    padded = sizes.pad(torch.zeros(1, 1, height, width), multiple)
    for size, given_size, step in zip(padded.shape[2:], (height, width), multiple, strict=True):
        assert size % step == 0
        assert 0 <= size - given_size < step


@pytest.mark.parametrize("reconstruction", ["one_shot", "residual_scaling"])
def test_reconstructions_of_any_size(reconstruction):
    model = models.toderici2017(width=0.05, iterations=2, reconstruction=reconstruction)
    images = photographs()
    output = model.reconstruct(images)
    assert output.shape == images.shape
    assert output.dtype == torch.uint8
    whole = model.for_images(64, 64).reconstruct(sizes.pad(images, (64, 64)))
    if reconstruction == "residual_scaling":
        assert torch.equal(output, whole[:, :, :37, :50])
    # An image of the network's own size is neither padded nor cropped.
    assert torch.equal(model.reconstruct(whole[:, :, :32, :32]), own(model, whole[:, :, :32, :32]))


def own(model, images):
    low, high = model.data_range
    with torch.no_grad():
        x = model(images.float() / 255 * (high - low) + low)
    return ((x - low) / (high - low) * 255).round().clamp(0, 255).to(torch.uint8)


def test_the_network_for_other_images_has_the_same_weights_and_its_own_memory():
    model = models.donis2020(input_shape=(1, 32, 32), iterations=1, seed=3)
    twin = model.for_images(48, 16, iterations=4)
    assert twin.input_shape == (1, 48, 16)
    assert twin.code_shape == (4, 32, 3, 1)
    for name, weight in model.state_dict().items():
        assert torch.equal(weight, twin.state_dict()[name])
        assert weight.data_ptr() != twin.state_dict()[name].data_ptr()
    images = torch.rand(2, 1, 32, 32) - 0.5
    torch.testing.assert_close(model.for_images(32, 32)(images), model(images), rtol=0, atol=0)


def test_a_plain_convolutional_network_sees_its_padding_at_the_edge_alone():
    model = models.kawaguchi2022_2(seed=1)
    images = photographs(height=41, width=33)
    large = model.reconstruct(images)
    cut = model.reconstruct(images[:, :, :32, :32].contiguous())
    # Both are whole numbers of windows; further than the kernels reach, neither border counts.
    assert torch.equal(large[:, :, :24, :24], cut[:, :, :24, :24])


def test_what_cannot_take_another_size_says_so():
    dense = models.feng2018_ann()
    with pytest.raises(UsageError, match="28"):
        dense.reconstruct(photographs(1, 1, 30, 30))
    with pytest.raises(UsageError, match="fully connected"):
        dense.for_images(30, 30)
    with pytest.raises(SpecError, match="30"):
        models.feng2018_cnn().for_images(30, 30)
    with pytest.raises(SpecError, match="36"):
        models.feng2018_cnn().reconstruct(photographs(1, 1, 30, 30))
    with pytest.raises(UsageError, match="no iterations"):
        models.kawaguchi2022_1().for_images(32, 32, iterations=2)
    with pytest.raises(UsageError, match="height"):
        models.kawaguchi2022_1().for_images(0, 32)
    with pytest.raises(UsageError, match="3"):
        models.kawaguchi2022_1().reconstruct(photographs(1, 1, 40, 40))
