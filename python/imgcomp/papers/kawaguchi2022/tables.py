"""kawaguchi2022: floors, variants, the sweep, dead channels, accounting, class by class."""

from __future__ import annotations

from imgcomp.papers.accounting import Coded, Sent, accounting_table
from imgcomp.papers.kawaguchi2022.beyond import OPEN, sweep_points, variants
from imgcomp.papers.kawaguchi2022.claims import EXCESS
from imgcomp.papers.kawaguchi2022.experiment import SMALL
from imgcomp.papers.kawaguchi2022.networks import code_values
from imgcomp.papers.kawaguchi2022.numbers import Numbers
from imgcomp.papers.kawaguchi2022.pipeline import MAIN, compared_values, rate_networks
from imgcomp.papers.per_class import per_class_table
from imgcomp.report import Column, Table
from imgcomp.report.claims import mean_and_std
from imgcomp.report.results import Cell

RATE_NAMES = {"model1": "Model 1", "model2": "Model 2", OPEN: "Model 1, open, Adam"}


def rate_name(label: str) -> str:
    """A network whose code is quantised, for people."""
    name, _, channels = label.partition("-code")
    size = channels or ("64" if name == "model2" else "2")
    return f"{RATE_NAMES[name]}, {size} channel{'s' if size != '1' else ''}"


def tables(numbers: Numbers) -> list[Table]:
    """The report's tables."""
    return [
        _floors(numbers),
        *([_variants(numbers)] if variants(numbers.run) else []),
        _sweep(numbers),
        _restarts(numbers),
        _methods(numbers),
        *_classes(numbers),
        _accounting(numbers),
        _rates(numbers),
    ]


def _floors(numbers: Numbers) -> Table:
    rows: list[list[Cell]] = []
    last = numbers.run.settings.integer("m1_epochs")
    for seed in numbers.seeds:
        train, validation = numbers.floor("train", seed), numbers.floor("validation", seed)
        for epoch in sorted({numbers.short, last}):
            ours = numbers.judged("model1", epoch, seed)
            rows.append(
                [
                    seed,
                    epoch,
                    ours.loss,
                    train["floor"],
                    ours.excess,
                    ours.val_loss,
                    validation["floor"],
                    ours.val_excess,
                    validation["energy"],
                ]
            )
    return Table(
        "floor",
        "Model 1 beside its floor",
        "MSE in [−1, 1]. The floor is the loss of an answer of 0 for every negative value and of "
        "the right one for every other: no network with a last ReLU can do better on these images. "
        "The training loss is the mean over an epoch, while the network changes; the validation "
        "loss is that of the network kept. Dead: the loss of an output of 0 everywhere. The bar "
        f"set beforehand for the excess is {EXCESS:g}.",
        [
            Column("Seed", "d"),
            Column("Epochs", "d"),
            Column("Training", ".4f"),
            Column("Floor", ".4f"),
            Column("Excess", ".4f"),
            Column("Validation", ".4f"),
            Column("Floor (val.)", ".4f"),
            Column("Excess (val.)", ".4f"),
            Column("Dead", ".4f"),
        ],
        rows,
    )


def _variants(numbers: Numbers) -> Table:
    rows: list[list[Cell]] = []

    def row(text: str, label: str, epoch: int, final: bool) -> list[Cell]:
        ours = numbers.judged(label, epoch)
        psnr = mse = None
        if final:
            psnr, mse = numbers.error_1(label, "psnr"), numbers.error_1(label, "mse") * 255.0**2
        low, high = numbers.spec(label)["data_range"]
        return [
            text,
            epoch,
            f"[{low:g}, {high:g}]".replace("-", "−"),
            ours.loss,
            ours.val_loss,
            ours.half * ours.val_loss,
            ours.val_excess,
            mse,
            psnr,
        ]

    last = numbers.run.settings.integer("m1_epochs")
    if numbers.short != last:
        rows.append(row("as in the paper", "model1", numbers.short, False))
    rows.append(row("as in the paper", "model1", last, True))
    for one in variants(numbers.run):
        rows.append(row(one.text, one.name, numbers.epochs(one.name), True))
    return Table(
        "variants",
        "Why model 1 stalls: the same network with something changed",
        f"Seed {numbers.first}, the same images. Losses are in the range that the network is "
        "trained in, and the validation loss also converted to [−1, 1], where ranges can be "
        f"compared; Adam has batches of {numbers.run.settings.integer('adam_batch')}. The excess "
        "is that over the floor, which is 0 where nothing is cut off. MSE (8-bit) and PSNR: of the "
        "test images after rounding to bytes.",
        [
            Column("Model 1 …"),
            Column("Epochs", "d"),
            Column("Range"),
            Column("Training", ".4f"),
            Column("Validation", ".4f"),
            Column("in [−1, 1]", ".4f"),
            Column("Excess", ".4f"),
            Column("MSE (8-bit)", ".0f"),
            Column("PSNR (dB)", ".2f"),
        ],
        rows,
    )


def _sweep(numbers: Numbers) -> Table:
    rows: list[list[Cell]] = []
    for point in sweep_points(numbers.run):
        data = numbers.sweep(point)
        head: list[Cell] = [point.lr, point.momentum, point.batch, point.initialization]
        given_up = f"{sum(len(part) for part in numbers.given_up(data))}"
        if data["diverged"]:
            rows.append([*head, None, None, None, given_up, "diverged"])
            continue
        dead = numbers.dead_at_end(data)
        note = f"dead: {dead}" if dead else ""
        loss = numbers.history(point.label, "loss")[-1]
        best = numbers.best(point.label, numbers.epochs(point.label))
        rows.append([*head, loss, best, numbers.sweep_excess(point), given_up, note])
    s = numbers.run.settings
    return Table(
        "sweep",
        "The sweep: rate, momentum, batch size, initialisation",
        f"Model 1 with its last ReLU in [−1, 1] after {s.integer('sweep_epochs')} epochs of fewer "
        f"images (see the settings), seed {numbers.first}; validation is the best epoch’s. Given "
        "up: initialisations with dead channels before this one. The excess is that over the floor "
        f"of the sweep’s own images, {numbers.floor('validation', whose='sweep')['floor']:.4f}.",
        [
            Column("Rate", "g"),
            Column("Momentum", "g"),
            Column("Batch", "d"),
            Column("Weights"),
            Column("Training", ".4f"),
            Column("Validation", ".4f"),
            Column("Excess (val.)", ".4f"),
            Column("Given up"),
            Column("Note"),
        ],
        rows,
    )


def _restarts(numbers: Numbers) -> Table:
    rows: list[list[Cell]] = []
    for name, data in numbers.tries():
        if name.startswith("sweep-"):
            continue
        before, after = numbers.given_up(data)
        rows.append(
            [
                name.replace("/", ", "),
                len(before),
                len(after),
                "; ".join(f"{one['what']} (epoch {one['epoch']})" for one in after),
                data.get("weight_seed"),
                numbers.dead_at_end(data) or "none",
            ]
        )
    return Table(
        "restarts",
        "Initialisations given up",
        "By the rule under “Where the paper is silent”. A channel of the output that is dead "
        "answers 0 for every image and has no gradient that could change it.",
        [
            Column("Training"),
            Column("Dead before", "d"),
            Column("Died in training", "d"),
            Column("What died"),
            Column("Trained", "d"),
            Column("Dead at the end"),
        ],
        rows,
    )


def _methods(numbers: Numbers) -> Table:
    rows: list[list[Cell]] = []
    channels, height, width = numbers.run.dataset.image_shape
    size = channels * height * width

    def row(name: str, values: int, parameters: int | None, mse: float, judged: list[Cell]) -> None:
        rows.append([name, values, parameters, mse, *judged])

    def judged(label: str, name: str, psnr: float) -> list[Cell]:
        return [
            psnr,
            numbers.verdict(label, name, "ssim"),
            100 * numbers.verdict(label, name, "accuracy"),
        ]

    for label, name in MAIN.items():
        psnr = mean_and_std(numbers.error(label, "psnr"))[0]
        mse = mean_and_std(numbers.error(label, "mse"))[0]
        values = code_values(numbers.spec(label))
        row(name, values, numbers.parameters(label), mse, judged(label, "images", psnr))
    psnr, mse = (mean_and_std(numbers.error(SMALL, what))[0] for what in ("psnr", "mse"))
    cells = judged(SMALL, "images", psnr)
    small = code_values(numbers.spec(SMALL))
    row("Model 2, code of 2 channels", small, numbers.parameters(SMALL), mse, cells)
    for one in variants(numbers.run):
        psnr, mse = (numbers.error_1(one.name, what) for what in ("psnr", "mse"))
        values = code_values(numbers.spec(one.name))
        cells = judged(one.name, "images", psnr)
        row(f"Model 1, {one.text}", values, numbers.parameters(one.name), mse, cells)
    components = compared_values(numbers.run)
    for name, text in (
        (f"pca-{components}", f"PCA, {components} values"),
        ("mean", "the mean image"),
        ("constant", "a constant (the mean grey)"),
    ):
        psnr, mse = numbers.rival(name, "psnr"), numbers.rival(name, "mse")
        cells = judged("rivals", name, psnr)
        row(text, int(numbers.rival(name, "values")), None, mse, cells)
    rows.append(["the originals", size, None, 0.0, None, 1.0, 100 * numbers.recognised()])
    return Table(
        "methods_and_rivals",
        "Methods and trivial rivals",
        "The test images, all rounded to 8 bits; MSE on the scale [0, 1]. MSE and PSNR of the "
        "paper’s models are means over the seeds, everything else is of seed "
        f"{numbers.first}. Values: in the code, of an image of {size:,} bytes. Accuracy: of a "
        "classifier trained on originals.",
        [
            Column("Method"),
            Column("Values", ",d"),
            Column("Parameters", ",d"),
            Column("MSE", ".5f"),
            Column("PSNR (dB)", ".2f"),
            Column("SSIM", ".4f"),
            Column("Accuracy (%)", ".1f"),
        ],
        rows,
    )


def _classes(numbers: Numbers) -> list[Table]:
    found = []
    for label, name in MAIN.items():
        found.append(
            per_class_table(
                [numbers.data("judge", label, seed) for seed in numbers.seeds],
                id=f"classes_{label}",
                title=f"{name} class by class",
            )
        )
    components = compared_values(numbers.run)
    return [
        *found,
        per_class_table(
            [numbers.data("judge", "rivals")],
            f"pca-{components}",
            id="classes_pca",
            title=f"PCA with {components} values class by class",
        ),
    ]


def sent(numbers: Numbers) -> list[Sent]:
    """The test images as codes of the paper's models, and of model 2 with a code of equal size."""
    networks = [Coded(rate_name(label), [numbers.sent(label)]) for label in (*MAIN, SMALL)]
    return [Sent(numbers.run.dataset.name, [numbers.sent("images")], networks)]


def _accounting(numbers: Numbers) -> Table:
    return accounting_table(
        sent(numbers),
        f"Seed {numbers.first}. The next table has further networks, by the number of bits alone.",
    )


def _rates(numbers: Numbers) -> Table:
    rows: list[list[Cell]] = []
    channels, height, width = numbers.run.dataset.image_shape
    whole = 8 * channels * height * width

    def row(name: str, values: int, bits: int, point: dict[str, float]) -> list[Cell]:
        return [name, values, int(point["bits"]), bits, bits / whole, point["mse"], point["psnr"]]

    for label in rate_networks(numbers.run):
        for form in numbers.rates(label):
            rows.append(row(rate_name(label), form["values"], round(8 * form["packed"]), form))
    for point in numbers.data("rates", "pca")["points"]:
        rows.append(row("PCA", int(point["values"]), int(point["code_bits"]), point))
    rows.sort(key=lambda cells: (cells[3], str(cells[0]), cells[1]))
    return Table(
        "rates",
        "Quality by the number of code bits",
        "Values uniformly quantised, each channel (component) between ends of its own that were "
        "chosen on training images; these ends are not counted. 32: floats as they are. The same "
        f"test images for all, seed {numbers.first}.",
        [
            Column("Code"),
            Column("Values", ",d"),
            Column("Bits per value", "d"),
            Column("Code bits", ",d"),
            Column("Share of the image", ".3f"),
            Column("MSE", ".5f"),
            Column("PSNR (dB)", ".2f"),
        ],
        rows,
    )
