"""donis2020: quality by variant, colour, collapse, gradients, the bound and the accounting."""

from __future__ import annotations

from collections.abc import Sequence

from imgcomp.papers.accounting import Coded, Sent, accounting_table
from imgcomp.papers.donis2020.claims import ACCURACY
from imgcomp.papers.donis2020.data import CODE_BITS
from imgcomp.papers.donis2020.experiment import main_label
from imgcomp.papers.donis2020.numbers import Numbers
from imgcomp.papers.donis2020.stages import VARIANTS
from imgcomp.papers.recurrent import INITIALIZATIONS
from imgcomp.papers.statistics import interval
from imgcomp.report import Column, Table
from imgcomp.report.claims import mean_and_std
from imgcomp.report.results import Cell

RIVALS = {
    "pca": f"PCA, quantised to {CODE_BITS} bits",
    "mean": "the mean image",
    "median": "the median image",
    "constant": "a constant",
    "gray": "the originals without colour (not a code)",
}
SHORT = {
    "adaptive": "MS-SSIM (adaptive)",
    "renormalised": "MS-SSIM (renormalised)",
    "ssim": "SSIM",
}


def tables(numbers: Numbers) -> list[Table]:
    """The report's tables."""
    return [
        _methods(numbers),
        _epochs(numbers),
        _pairs(numbers),
        _bound(numbers),
        _colour(numbers),
        _one_image(numbers),
        _gradients(numbers),
        _drawn(numbers),
        _parameters(numbers),
        _accounting(numbers),
    ]


def _mean(values: list[float]) -> float:
    return mean_and_std(values)[0]


def _measures(names: tuple[str, ...] = ("psnr", "residual")) -> list[Column]:
    heads = {"psnr": Column("PSNR (dB)", ".2f"), "residual": Column("Residual", ".4f")}
    return [*(Column(SHORT[name], ".4f") for name in VARIANTS), *(heads[name] for name in names)]


def _methods(numbers: Numbers) -> Table:
    rows: list[list[Cell]] = []
    sizes = numbers.set_sizes()
    for name, one in numbers.trainings.items():
        measured = [_mean(numbers.looked(name, key)) for key in (*VARIANTS, "psnr", "residual")]
        rows.append([one.text, sizes[one.size], CODE_BITS, *measured])
    for name, text in RIVALS.items():
        data = numbers.alone("rivals")[name]
        bits = {"pca": CODE_BITS, "gray": None}.get(name, 0)
        rows.append([text, None, bits, *(data[key] for key in (*VARIANTS, "psnr", "residual"))])
    point = numbers.bound(CODE_BITS)
    cells = [point[key] for key in (*VARIANTS, "psnr", "residual")]
    rows.append([f"the Gaussian bound at {CODE_BITS} bits", None, CODE_BITS, *cells])
    return Table(
        "methods_and_rivals",
        "Every training, and the trivial rivals",
        "The test images after the last epoch, 8 bits; means over images and seeds. Residual: mean "
        "absolute residual, scale [0, 1]. What the text calls accuracy is read as MS-SSIM, and it "
        "does not say which. The Gaussian bound: the images behind the optimal channel of a "
        "Gaussian with their mean and covariance; a code that knows more of photographs than that "
        "may do better.",
        [Column("Method"), Column("Images", ",d"), Column("Bits", "d"), *_measures()],
        rows,
    )


def _epochs(numbers: Numbers) -> Table:
    last = numbers.epochs()
    points = sorted({1, max(1, last // 3), last})
    rows: list[list[Cell]] = []
    for name in numbers.paper_labels():
        for epoch in points:
            cells: list[Cell] = [numbers.trainings[name].text, epoch]
            for part in ("train", "test"):
                for key in ("adaptive", "psnr", "residual"):
                    course = numbers.course(name, part, key)
                    cells.append(_mean([values[epoch - 1] for values in course]))
            rows.append(cells)
    heads = [
        Column(f"{head}, {part}", form)
        for part in ("train", "test")
        for head, form in (("MS-SSIM", ".4f"), ("PSNR", ".2f"), ("residual", ".4f"))
    ]
    return Table(
        "epochs",
        "Batch and set sizes by epoch",
        "Adaptive MS-SSIM, PSNR in dB and mean absolute residual after the epoch; training images: "
        "a part chosen at random. Every epoch of every variant is among the curves of "
        "results.json.",
        [Column("Training"), Column("Epoch", "d"), *heads],
        rows,
    )


def _pairs(numbers: Numbers) -> Table:
    sizes, amounts = numbers.sizes, numbers.set_sizes()
    pairs: list[tuple[str, str, str]] = [
        (f"{amounts[50]:,} images over {amounts[100]:,}", sizes[50], sizes[100]),
        (f"{amounts[200]:,} images over {amounts[100]:,}", sizes[200], sizes[100]),
        (f"{amounts[50]:,} images over {amounts[200]:,}", sizes[50], sizes[200]),
    ]
    main = main_label(numbers.run)
    for size, label in numbers.batch_labels().items():
        if label != main:
            text = f"batches of {size} over {numbers.run.settings.integer('batch')}"
            pairs.append((text, label, main))
    for name in ("relu", "fast", "mixed"):
        pairs.append((f"{numbers.trainings[name].text} over as it is", name, "size50"))
    rows: list[list[Cell]] = []
    epochs = numbers.epochs()
    for text, ours, theirs in pairs:
        gap = interval(
            [a - b for a, b in zip(numbers.per_image(ours), numbers.per_image(theirs), strict=True)]
        )
        course = [
            numbers.mean_at(ours, epoch) - numbers.mean_at(theirs, epoch)
            for epoch in range(epochs - max(epochs // 3, 1) + 1, epochs + 1)
        ]
        first = numbers.mean_at(ours, 1) - numbers.mean_at(theirs, 1)
        rows.append([text, first, gap.mean, gap.low, gap.high, min(course), max(course)])
    return Table(
        "pairs",
        "One training over another",
        "Differences of adaptive MS-SSIM on the test images: after the first epoch and the last "
        f"one, with the 95 % interval over the test images (seed {numbers.first}), and the "
        "smallest and the largest of the last third of the epochs. The interval says how well the "
        "test images tell two networks apart, not how two trainings from other weights would "
        "differ; the range over epochs is a hint at that.",
        [
            Column("Pair"),
            Column("First epoch", "+.4f"),
            Column("Last epoch", "+.4f"),
            Column("Low", "+.4f"),
            Column("High", "+.4f"),
            Column("Least, last third", "+.4f"),
            Column("Most, last third", "+.4f"),
        ],
        rows,
    )


def _bound(numbers: Numbers) -> Table:
    rows: list[list[Cell]] = [
        [
            point["bits"],
            point["bits"] / 1024,
            point["components"],
            point["psnr_of_mse"],
            *(point[key] for key in (*VARIANTS, "psnr")),
        ]
        for point in numbers.alone("bound")["points"]
    ]
    needed: list[Cell] = [None, None, None, None]
    needed += [numbers.bits_needed(name, ACCURACY) for name in VARIANTS]
    rows.append([*needed, None])
    count = numbers.alone("components")["images"]
    return Table(
        "bound",
        "What so many bits allow: the Gaussian rate–distortion function",
        f"Principal components of {count:,} training images, reverse water-filling; PSNR of the "
        "function itself, then what is measured on the test images behind the optimal channel. "
        f"Last row: the bits at which {ACCURACY:g} is reached, straight between the rows above. "
        "It is the limit for a Gaussian with these statistics; photographs are none, so that it "
        "is a guide and no proof.",
        [
            Column("Bits", ".0f"),
            Column("Bits per pixel", ".3f"),
            Column("Components", "d"),
            Column("PSNR of R(D)", ".2f"),
            *(Column(SHORT[name], ".4g") for name in VARIANTS),
            Column("PSNR (dB)", ".2f"),
        ],
        rows,
    )


def _colour(numbers: Numbers) -> Table:
    rows: list[list[Cell]] = []
    for name, text in (
        (main_label(numbers.run), "MS-SSIM, whole set"),
        ("size50", "MS-SSIM"),
        ("mixed", numbers.trainings["mixed"].text),
        ("mae", "MAE"),
    ):
        parts = [_mean(numbers.colour(name, what)) for what in _COLOUR]
        rows.append([text, *parts, *(_mean(numbers.looked(name, key)) for key in _BESIDE)])
    for name in ("pca", "mean", "gray"):
        data = numbers.alone("rivals")[name]
        parts = [data["colour"][what] for what in _COLOUR]
        rows.append([RIVALS[name], *parts, *(data[key] for key in _BESIDE)])
    return Table(
        "colour",
        "Where the colour goes",
        "YCbCr (BT.601) of the 8-bit test images. Lost: squared error over the variance of all "
        "pixels, 1 being as bad as one constant; colour kept: mean Cb² + Cr² of the outputs over "
        "that of the originals. MS-SSIM looks at each colour plane alone, at its structure, and at "
        "the planes’ means only in the coarsest scale; the last row says what it gives for images "
        "whose colour is gone altogether and whose luma is perfect.",
        [
            Column("Objective"),
            Column("Luma lost", ".3f"),
            Column("Chroma lost", ".3f"),
            Column("Colour kept", ".3f"),
            Column("Luma MSE", ".1f"),
            Column("Chroma MSE", ".1f"),
            Column(SHORT["adaptive"], ".4f"),
            Column("PSNR (dB)", ".2f"),
        ],
        rows,
    )


_COLOUR = ("luma", "chroma", "kept", "luma_mse", "chroma_mse")
_BESIDE = ("adaptive", "psnr")


def _one_image(numbers: Numbers) -> Table:
    rows: list[list[Cell]] = []
    for name in ("mae", "mae-fast", "mixed", "size50", "fast", "relu"):
        first = [values[0] for values in numbers.course(name, "test", "variation")]
        rows.append(
            [
                numbers.trainings[name].text if name != "size50" else "MS-SSIM",
                _mean(first),
                _mean(numbers.looked(name, "variation")),
                _mean(numbers.looked(name, "residual")),
                round(_mean(numbers.looked(name, "codes"))),
                _mean(numbers.looked(name, "entropy")),
            ]
        )
    median = numbers.alone("rivals")["median"]["residual"]
    rows.append([RIVALS["median"], 0.0, 0.0, median, None, None])
    return Table(
        "one_image",
        "One image for every input?",
        "Half of the images. Variation: variance between the outputs over that between the inputs, "
        "0 where all are one and the same. The best single image under MAE is the median. Codes: "
        "different ones among the test images; entropy: of a bit over the test images, mean over "
        "the bits.",
        [
            Column("Training"),
            Column("Variation, epoch 1", ".4f"),
            Column("Variation, end", ".4f"),
            Column("Residual", ".4f"),
            Column("Codes", ",d"),
            Column("Entropy per bit", ".3f"),
        ],
        rows,
    )


def _gradients(numbers: Numbers) -> Table:
    rows: list[list[Cell]] = []
    found = {
        (name, when): numbers.layers(name, when)
        for name in ("size50", "relu")
        for when in ("start", "first", "end")
    }
    for layer in found["size50", "start"]:
        cells: list[Cell] = [layer]
        for when in ("start", "first", "end"):
            leaky, relu = (found[name, when][layer]["gradient"] for name in ("size50", "relu"))
            cells += [leaky, relu, relu / leaky if leaky > 0 else None]
        rows.append(cells)
    heads = [
        Column(f"{name}, {when}", ".2e" if name != "ratio" else ".3g")
        for when in ("start", "epoch 1", "end")
        for name in ("leaky", "ReLU", "ratio")
    ]
    return Table(
        "gradients",
        "Gradients of each layer, leaky ReLU and ReLU",
        "Euclidean norm of the gradient of 1 − MS-SSIM for each layer’s weights, mean over "
        f"training images with the code’s signs, seed {numbers.first}: before the training (the "
        "same weights for both), after its first epoch, and at its end. Both activations stand "
        "after two convolutions only; what lies between input and output are cells with gates.",
        [Column("Layer"), *heads],
        rows,
    )


def _drawn(numbers: Numbers) -> Table:
    found = numbers.drawn()
    layers = next(iter(found.values()))
    return Table(
        "drawn_gradients",
        "Gradients before the training, by how weights are drawn",
        "As in the table above, with leaky ReLU. The smaller the weights, the more of the image "
        "is lost in each cell on its way to the output, and of the gradient on its way back.",
        [
            Column("Layer"),
            *(Column(f"{INITIALIZATIONS[name]} weights", ".2e") for name in found),
        ],
        [
            [layer, *(of_layers[layer]["gradient"] for of_layers in found.values())]
            for layer in layers
        ],
    )


def _parameters(numbers: Numbers) -> Table:
    return Table(
        "parameters",
        "How many parameters?",
        "Weights are shared over the iterations. Unrolled: as if each iteration had its own.",
        [
            Column("Network"),
            Column("Iterations", "d"),
            Column("Parameters", ",d"),
            Column("Unrolled", ",d"),
        ],
        [
            [row["network"], row["iterations"], row["parameters"], row["unrolled"]]
            for row in numbers.alone("parameters")["networks"]
        ],
    )


def sent(numbers: Numbers, labels: Sequence[str] = ()) -> list[Sent]:
    """The test images as codes of trainings, by default of all."""
    networks = [
        Coded(
            numbers.trainings[label].text,
            [numbers.data("bytes", label, seed) for seed in numbers.seeds],
        )
        for label in labels or numbers.trainings
    ]
    return [Sent(numbers.run.dataset.name, [numbers.alone("bytes/images")], networks)]


def _accounting(numbers: Numbers) -> Table:
    codes = round(_mean(numbers.looked(main_label(numbers.run), "codes")))
    weights = numbers.parameters("donis2020", 1)["parameters"]
    return accounting_table(
        sent(numbers),
        f"All codes have {CODE_BITS} bits; what they have to say is the entropy-coded stream. With "
        f"{numbers.trainings[main_label(numbers.run)].text}, {codes:,} of the test images’ codes "
        f"are different. The decoder has its part of {weights:,} weights.",
    )
