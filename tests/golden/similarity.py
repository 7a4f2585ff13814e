"""Pictures to compare, and the script that stored what other libraries say of them.

    pip install scikit-image tensorflow-cpu && python tests/golden/similarity.py

writes similarity.json; the tests only read it. SSIM is scikit-image's, the renormalised and the
standard MS-SSIM are TensorFlow's; the adaptive one, which no library has, is written out here in
NumPy as plainly as it can be. The pictures are formulas of whole numbers, so that
they are the same everywhere and need not be stored.
"""

import json
from pathlib import Path

import numpy as np

STORED = Path(__file__).with_suffix(".json")
SHAPES = {
    "tiny": (2, 5, 7),
    "gray28": (1, 28, 28),
    "colour32": (3, 32, 32),
    "smallest": (1, 11, 11),
    "oblong": (2, 13, 40),
    "wide": (1, 20, 150),
    "large": (3, 176, 165),
}
EXPONENTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
CHANGES = ("coarse", "dark", "shifted", "inverted", "noisy", "flat")


def picture(shape):
    """uint8 (C, H, W): waves, edges and a texture."""
    plane, row, column = np.indices(shape)
    waves = (row * (column + 3 * plane + 5)) // 7 % 180
    edges = np.where((row // 6 + column // 9) % 2, 60, 0)
    texture = (row * 37 + column * 91 + plane * 53) % 16
    return (waves + edges + texture).astype(np.uint8)


def changed(image, change):
    """Another picture of the same shape, uint8."""
    values = image.astype(np.int64)
    _, row, column = np.indices(image.shape)
    result = {
        "coarse": values // 32 * 32 + 16,
        "dark": values // 2,
        "shifted": np.roll(values, 1, axis=2),
        "inverted": 255 - values,
        "noisy": values + (row * 7919 + column * 104729 + row * column * 31) % 61 - 30,
        "flat": np.full_like(values, int(values.mean())),
    }[change]
    return np.clip(result, 0, 255).astype(np.uint8)


def pairs(least_side=1):
    """(name, picture, changed picture) of every change and every shape whose sides suffice."""
    for name, shape in SHAPES.items():
        if min(shape[1:]) < least_side:
            continue
        image = picture(shape)
        for change in CHANGES:
            yield f"{name}/{change}", image, changed(image, change)


def _scikit_image(x, y):
    from skimage.metrics import structural_similarity

    return structural_similarity(
        x.transpose(1, 2, 0),
        y.transpose(1, 2, 0),
        channel_axis=2,
        data_range=255,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )


def _tensorflow(x, y, exponents, window):
    import tensorflow as tf

    images = [tf.constant(each.transpose(1, 2, 0)[None]) for each in (x, y)]
    found = tf.image.ssim_multiscale(*images, 255, power_factors=exponents, filter_size=window)
    return float(found[0])


def _window(side):
    """Gaussian of side × side pixels, of sum 1."""
    place = np.arange(side) - (side - 1) / 2
    square = place[:, None] ** 2 + place[None, :] ** 2
    window = np.exp(-square / (2 * (1.5 * side / 11) ** 2))
    return window / window.sum()


def _one_scale(x, y):
    """SSIM and contrast–structure of one plane, means over positions."""
    from scipy.signal import convolve2d

    side = min(11, *x.shape)
    window = _window(side)
    mean_x, mean_y, xx, yy, xy = (
        convolve2d(values, window, mode="valid") for values in (x, y, x * x, y * y, x * y)
    )
    variance_x, variance_y, covariance = xx - mean_x**2, yy - mean_y**2, xy - mean_x * mean_y
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    structure = (2 * covariance + c2) / (variance_x + variance_y + c2)
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    return np.mean(luminance * structure), np.mean(structure)


def _half(plane):
    rows, columns = plane.shape
    even = np.pad(plane, ((0, rows % 2), (0, columns % 2)), mode="symmetric")
    return (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4


def _adaptive(x, y):
    planes = []
    for first, second in zip(x.astype(float), y.astype(float), strict=True):
        product = 1.0
        for scale, exponent in enumerate(EXPONENTS):
            whole, structure = _one_scale(first, second)
            product *= max(whole if scale == 4 else structure, 0.0) ** exponent
            first, second = _half(first), _half(second)
        planes.append(product)
    return np.mean(planes)


def main():
    """Writes similarity.json."""
    import skimage
    import tensorflow as tf

    three = [exponent / sum(EXPONENTS[:3]) for exponent in EXPONENTS[:3]]
    stored = {
        "made_with": {"scikit-image": skimage.__version__, "tensorflow": tf.__version__},
        "ssim": {n: float(_scikit_image(x, y)) for n, x, y in pairs(11)},
        "adaptive": {n: float(_adaptive(x, y)) for n, x, y in pairs()},
        "renormalised": {n: _tensorflow(x, y, three, 7) for n, x, y in pairs(25)},
        "standard": {n: _tensorflow(x, y, EXPONENTS, 11) for n, x, y in pairs(161)},
    }
    STORED.write_text(json.dumps(stored, indent=1) + "\n")


if __name__ == "__main__":
    main()
