"""kawaguchi2022: the main results in sentences, each number from the run."""

from __future__ import annotations

from imgcomp.papers.accounting import real_bytes
from imgcomp.papers.kawaguchi2022.beyond import OPEN, WELL, WIDE, sweep_points, variants
from imgcomp.papers.kawaguchi2022.claims import EXCESS
from imgcomp.papers.kawaguchi2022.networks import code_values
from imgcomp.papers.kawaguchi2022.numbers import Numbers
from imgcomp.papers.kawaguchi2022.pipeline import compared_values
from imgcomp.papers.kawaguchi2022.tables import sent
from imgcomp.report.claims import mean_and_std


def findings(numbers: Numbers) -> list[str]:
    """The report's findings."""
    return [
        *_floor(numbers),
        *_dead(numbers),
        *_model_2(numbers),
        *_equal_bits(numbers),
    ]


def _mean(values: list[float]) -> float:
    return mean_and_std(values)[0]


def _floor(numbers: Numbers) -> list[str]:
    train, validation = numbers.floor("train"), numbers.floor("validation")
    last = numbers.run.settings.integer("m1_epochs")
    excess = _mean(numbers.excesses(last, False)), _mean(numbers.excesses(last, True))
    found = [
        f"Model 1’s last ReLU cannot give the {100 * validation['clipped']:.0f} % of the values "
        "that are negative in [−1, 1]. Answering each of them with 0 and everything else rightly "
        f"would leave a loss of {train['floor']:.4f} on its training images and "
        f"{validation['floor']:.4f} on its validation images (seed {numbers.first})"
        + (
            ": that is where the paper’s 0.145, 0.144 and 0.1421 come from."
            if numbers.run.dataset.name == "cifar-10"
            else "."
        ),
        f"After {last} epochs model 1 is {excess[0]:.4f} above its floor in training and "
        f"{excess[1]:.4f} in validation"
        + (
            f" (the bar set beforehand is {EXCESS:g})."
            if max(excess) > EXCESS
            else f", within the bar of {EXCESS:g} set beforehand."
        ),
    ]
    relu = numbers.data("rates", "pca")["relu"]
    values = max(count for count in map(int, relu) if count <= compared_values(numbers.run))
    floor = numbers.data("rates", "pca")["floor"]
    found.append(
        f"PCA with {values} values, answered through the same ReLU, is "
        f"{relu[str(values)] - floor:.4f} above the floor of the test images it was measured on: "
        "so much a good linear code of this size leaves."
    )
    names = {one.name: one.text for one in variants(numbers.run)}
    if names:
        well, wide = numbers.judged(WELL.name).val_excess, numbers.judged(WIDE.name).val_excess
        found.append(
            f"Trained well, the same network ends {well:.4f} above its floor in validation; with a "
            f"code of 64 channels in place of 2, {wide:.4f}."
        )
        parts = [
            f"{text}: {numbers.judged(name).val_loss:.4f} ({numbers.error_1(name, 'psnr'):.1f} dB)"
            for name, text in names.items()
        ]
        found.append(
            f"Validation loss and PSNR on the test images with something changed (as in the paper, "
            f"{numbers.short} epochs: {numbers.best('model1', numbers.short):.4f}; {last} epochs: "
            f"{numbers.best('model1', last):.4f}, {numbers.error_1('model1', 'psnr'):.1f} dB): "
            + "; ".join(parts)
            + ". Losses in [0, 1] are a quarter of those in [−1, 1]."
        )
    sweep = [
        (over, point)
        for point in sweep_points(numbers.run)
        if (over := numbers.sweep_excess(point)) is not None
    ]
    if sweep:
        over, point = min(sweep, key=lambda item: item[0])
        found.append(
            f"In the sweep, SGD comes closest to the floor, {over:.4f} above it in validation, at "
            f"rate {point.lr:g}, momentum {point.momentum:g}, batches of {point.batch} and weights "
            f"drawn as {point.initialization} does."
        )
    return found


def _dead(numbers: Numbers) -> list[str]:
    rows = numbers.data("initialisations", "model1")["seeds"]
    outputs = sum(row["output"] > 0 for row in rows)
    lost = sum(row["lost"] for row in rows)
    all_three = sum(row["output"] == row["channels"] for row in rows)
    found = [
        f"Of {len(rows)} initialisations of model 1, {outputs} have a channel of the output that "
        f"is dead before the first step ({all_three} all channels), and {lost} are given up by the "
        "rule."
    ]
    tries = [
        (name, data) for name, data in numbers.tries() if name.startswith(("model1/", "model1-"))
    ]
    own = {
        seed: data for seed in numbers.seeds for name, data in tries if name == f"model1/seed{seed}"
    }
    counted = []
    for seed, data in own.items():
        before, after = numbers.given_up(data)
        counted.append(
            f"initialisation {data['weight_seed']} (seed {seed}, {len(before)} given up before and "
            f"{len(after)} in training)"
        )
    found.append(f"Model 1 was trained from {', '.join(counted)}.")
    ended = [f"{name} ({dead})" for name, data in tries if (dead := numbers.dead_at_end(data))]
    if ended:
        found.append(f"Ended with dead channels all the same: {', '.join(ended)}.")
    return found


def _model_2(numbers: Numbers) -> list[str]:
    values = code_values(numbers.spec("model2"))
    channels, height, width = numbers.run.dataset.image_shape
    size = channels * height * width
    psnr = _mean(numbers.error("model2", "psnr"))
    return [
        f"Model 2 reaches {psnr:.1f} dB, but its code of {values:,} values for {size:,} bytes of "
        f"image {'expands' if values > size else 'does not expand'}: as 32-bit floats it takes "
        f"{4 * values / size:.1f} times the image, with 8 bits each {values / size:.1f} times.",
        f"{real_bytes(sent(numbers))} (Seed {numbers.first}.)",
    ]


def _equal_bits(numbers: Numbers) -> list[str]:
    parts = [
        (name, numbers.float_psnr(label, 2))
        for name, label in (("model 2", "model2"), ("model 1", "model1"), ("repaired", OPEN))
    ]
    there = {name: value for name, value in parts if value is not None}
    if len(there) < 3:
        return []
    values, pca = max(
        (point["values"], point["psnr"])
        for point in numbers.data("rates", "pca")["points"]
        if point["values"] <= compared_values(numbers.run) and point["bits"] == 32
    )
    return [
        f"With codes of two channels for both, model 2 has {there['model 2']:.1f} dB, model 1 as "
        f"the paper trains it {there['model 1']:.1f} dB, model 1 without its last ReLU and with "
        f"Adam {there['repaired']:.1f} dB, PCA with {values} values {pca:.1f} dB: model 2’s "
        "quality is that of its code’s size."
    ]
