"""Pictures to compare, and the script that stored what other libraries say of them.

    pip install scikit-image tensorflow-cpu && python tests/golden/similarity.py

writes similarity.json; the tests only read it. The pictures are formulas of whole numbers, so that
they are the same everywhere and need not be stored.
"""

import json
from pathlib import Path

import numpy as np

STORED = Path(__file__).with_suffix(".json")
SHAPES = {
    "gray28": (1, 28, 28),
    "colour32": (3, 32, 32),
    "smallest": (1, 11, 11),
    "oblong": (2, 13, 40),
    "wide": (1, 20, 150),
    "large": (3, 176, 165),
}
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


def pairs():
    """(name, picture, changed picture) of every shape and change."""
    for name, shape in SHAPES.items():
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


def main():
    """Writes similarity.json."""
    import skimage

    stored = {
        "made_with": {"scikit-image": skimage.__version__},
        "ssim": {name: float(_scikit_image(x, y)) for name, x, y in pairs()},
    }
    STORED.write_text(json.dumps(stored, indent=1) + "\n")


if __name__ == "__main__":
    main()
