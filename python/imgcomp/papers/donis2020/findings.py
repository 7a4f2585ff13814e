"""donis2020: the main results in sentences, each number from the run."""

from __future__ import annotations

from itertools import pairwise

from imgcomp.papers.accounting import real_bytes
from imgcomp.papers.donis2020.claims import ACCURACY, SAME, VANISHED
from imgcomp.papers.donis2020.data import CODE_BITS
from imgcomp.papers.donis2020.experiment import main_label
from imgcomp.papers.donis2020.numbers import Numbers
from imgcomp.papers.donis2020.stages import VARIANTS
from imgcomp.papers.donis2020.tables import SHORT, sent
from imgcomp.papers.recurrent import INITIALIZATIONS
from imgcomp.report.claims import mean_and_std


def findings(numbers: Numbers) -> list[str]:
    """The report's findings."""
    return [
        *_quality(numbers),
        *_orders(numbers),
        *_colour(numbers),
        *_one_image(numbers),
        _objectives(numbers),
        *_gradients(numbers),
        real_bytes(sent(numbers, [main_label(numbers.run)])),
    ]


def _mean(values: list[float]) -> float:
    return mean_and_std(values)[0]


def _course(numbers: Numbers, label: str, measure: str) -> list[float]:
    """The mean over the seeds of a measure on the test images, after each epoch."""
    return [numbers.mean_at(label, epoch, measure) for epoch in range(1, numbers.epochs() + 1)]


def _quality(numbers: Numbers) -> list[str]:
    last = numbers.epochs()
    best = {
        name: max(numbers.mean_at(label, -1, name) for label in numbers.paper_labels())
        for name in VARIANTS
    }
    point, pca = numbers.bound(CODE_BITS), numbers.alone("rivals")["pca"]
    parts = [
        f"{SHORT[name]} {best[name]:.3f} (the Gaussian bound at {CODE_BITS} bits {point[name]:.3f},"
        f" PCA in {CODE_BITS} bits {pca[name]:.3f})"
        for name in VARIANTS
    ]
    found = [
        f"The best of the paper’s trainings reaches after {last} epochs, on the test images: "
        + "; ".join(parts)
        + "."
    ]
    needed = []
    for name in VARIANTS:
        bits = numbers.bits_needed(name, ACCURACY)
        text = "more bits than were tried" if bits is None else f"about {bits:,.0f} bits"
        needed.append(f"{SHORT[name]}: {text}")
    found.append(
        f"An ideal code that knows the images’ covariance alone needs for {ACCURACY:g}: "
        + "; ".join(needed)
        + f". The network’s code has {CODE_BITS}."
    )
    return found


def _orders(numbers: Numbers) -> list[str]:
    sizes, amounts = numbers.sizes, numbers.set_sizes()
    first, last = (
        ", ".join(
            f"{amounts[size]:,}: {numbers.mean_at(label, epoch):.4f}"
            for size, label in sizes.items()
        )
        for epoch in (1, -1)
    )
    batches = numbers.batch_labels()
    start, end = (
        ", ".join(f"{size}: {numbers.mean_at(label, epoch):.4f}" for size, label in batches.items())
        for epoch in (1, -1)
    )
    whole = amounts[100]
    steps = {size: -(-whole // size) * numbers.epochs() for size in batches}
    listed = ", ".join(f"{count:,}" for count in steps.values())
    return [
        f"Adaptive MS-SSIM on the test images by number of training images: after one epoch "
        f"{first}; in the end {last}. An epoch of twice as many images has twice as many steps.",
        f"By batch size: after one epoch {start}; in the end {end}. These are {listed} steps.",
        _beginning(numbers),
    ]


def _beginning(numbers: Numbers) -> str:
    """How long trainings stay where one image answers all."""
    left = {}
    for label in (*numbers.paper_labels(), "relu", "fast"):
        course = enumerate(_course(numbers, label, "variation"), 1)
        epoch = next((epoch for epoch, value in course if value > SAME), None)
        left[numbers.trainings[label].text] = epoch
    if set(left.values()) == {1}:
        return (
            "A training under MS-SSIM begins with one image for all. Every one has left that after "
            f"the first epoch: its outputs differ, by a variation above {SAME:g}."
        )
    parts = [
        f"{text}: {f'epoch {epoch}' if epoch else 'not at all'}" for text, epoch in left.items()
    ]
    return (
        "A training under MS-SSIM begins with one image for all and stays there for a while. Its "
        f"outputs differ, by a variation above {SAME:g}, for the first time after: "
        f"{'; '.join(parts)}."
    )


def _colour(numbers: Numbers) -> list[str]:
    main = main_label(numbers.run)
    chroma, luma, kept = (_mean(numbers.colour(main, what)) for what in ("chroma", "luma", "kept"))
    gray, reached = numbers.alone("rivals")["gray"], _mean(numbers.looked(main, "adaptive"))
    mixed = {what: _mean(numbers.colour("mixed", what)) for what in ("chroma", "luma", "kept")}
    half = {what: _mean(numbers.colour("size50", what)) for what in ("chroma", "luma", "kept")}
    scores = _mean(numbers.looked("mixed", "adaptive")), _mean(numbers.looked("size50", "adaptive"))
    if not chroma:
        return ["The images of this run have no colour, so that none can be lost."]
    return [
        f"Of the variance of chroma {100 * chroma:.0f} % is lost, of that of luma "
        f"{100 * luma:.0f} %; the outputs have {100 * kept:.0f} % of the originals’ colour.",
        "What MS-SSIM sees of it: the originals with perfect luma and no colour score "
        f"{gray['adaptive']:.3f} (SSIM {gray['ssim']:.3f}), whereas the network reaches "
        f"{reached:.3f}"
        + (
            ": bits spent on luma pay, in all three planes at once, and those on chroma hardly do."
            if gray["adaptive"] > reached
            else "."
        ),
        f"With {numbers.trainings['mixed'].text} as objective and the same images, chroma’s loss "
        f"is {100 * mixed['chroma']:.0f} % in place of {100 * half['chroma']:.0f} %, the colour "
        f"kept {100 * mixed['kept']:.0f} % in place of {100 * half['kept']:.0f} %, and MS-SSIM "
        f"{scores[0]:.4f} in place of {scores[1]:.4f}.",
    ]


def _one_image(numbers: Numbers) -> list[str]:
    parts = []
    for name in ("mae", "mae-fast"):
        value = _mean(numbers.looked(name, "variation"))
        verdict = "one and the same image" if value < SAME else "different images"
        parts.append(
            f"{numbers.trainings[name].text}: {verdict} (variation {value:.4f}, residual "
            f"{_mean(numbers.looked(name, 'residual')):.4f})"
        )
    median = numbers.alone("rivals")["median"]["residual"]
    beside = _mean(numbers.looked("size50", "variation"))
    return [
        f"{'; '.join(parts)}; with MS-SSIM as objective the variation is {beside:.4f}.",
        f"The median image, the best single answer under MAE, has a residual of {median:.4f}.",
    ]


def _objectives(numbers: Numbers) -> str:
    """What each objective reaches in MS-SSIM, and how evenly its training goes."""
    parts = []
    for label in ("size50", "mixed", "mae"):
        course = _course(numbers, label, "adaptive")
        fall = max((one - other for one, other in pairwise(course)), default=0.0)
        text = "MS-SSIM" if label == "size50" else numbers.trainings[label].text
        parts.append(
            f"{text} {course[-1]:.3f} (the best epoch {max(course):.3f}, the largest fall from one "
            f"epoch to the next {max(fall, 0.0):.3f})"
        )
    return (
        "Adaptive MS-SSIM on the test images in the end, by what was trained for: "
        f"{'; '.join(parts)}."
    )


def _gradients(numbers: Numbers) -> list[str]:
    leaky, relu = (numbers.layers(name, "start") for name in ("size50", "relu"))
    first, last = next(iter(leaky)), next(reversed(leaky))
    ratio = relu[first]["gradient"] / max(leaky[first]["gradient"], 1e-300)
    depth = leaky[first]["gradient"] / max(leaky[last]["gradient"], 1e-300)
    end = numbers.layers("size50", "end")
    later = end[first]["gradient"] / max(end[last]["gradient"], 1e-300)
    ends = numbers.mean_at("size50", -1), numbers.mean_at("relu", -1)
    return [
        f"Before the training, the gradient of the first layer is {depth:.1e} times that of the "
        f"last one with leaky ReLU; with ReLU it is {ratio:.2f} times as large as with leaky ReLU"
        + (
            ". What makes it small are the cells, not these two activations."
            if ratio > VANISHED and depth < VANISHED
            else "."
        )
        + f" After it the first layer’s is {later:.2g} times the last one’s, and MS-SSIM is "
        f"{ends[0]:.4f} with leaky ReLU and {ends[1]:.4f} with ReLU.",
        "What the weights are drawn by: before the training the gradient of the first layer has a "
        f"norm of {_listed(numbers, first)}. Adam divides by at least ε = 1e-8.",
    ]


def _listed(numbers: Numbers, layer: str) -> str:
    parts = [
        f"{found[layer]['gradient']:.1e} with {INITIALIZATIONS[name]} weights"
        for name, found in numbers.drawn().items()
    ]
    return ", ".join(parts[:-1]) + " and " + parts[-1]
