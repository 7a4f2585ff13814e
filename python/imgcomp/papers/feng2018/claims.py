"""feng2018: every claim of the paper and the rule that judges it, fixed before any run."""

from __future__ import annotations

from imgcomp.papers.feng2018.experiment import METHODS
from imgcomp.report import Claim, Holds, Near

TABLE_2 = (
    (1, 0.852438, 71.0),
    (5, 0.606686, 79.0),
    (10, 0.509882, 82.0),
    (15, 0.422064, 84.0),
    (20, 0.431602, 85.0),
)
"""(epoch, training loss, test accuracy in %) of the classifier."""
TABLE_3 = {
    "cnn": (0.4968, 81.0, 622.595228),
    "ann": (0.7037, 73.0, 597.469302),
    "shared": (0.8070, 70.0, 584.928798),
}
"""Method → (classifier's loss and accuracy in % on the reconstructions, training seconds)."""
FIGURE_7 = {"cnn": 1, "ann": 2, "shared": 3}
"""Method → rank of its final training loss; 1 is the lowest."""

WELL_TRAINED_RATIO = 1.5
"""A network whose loss can be divided by more than this was not well trained."""


def _table_2() -> list[Claim]:
    found = []
    for epoch, loss, accuracy in TABLE_2:
        found += [
            Claim(
                f"classifier_epoch{epoch}_loss",
                "loss",
                "nats",
                loss,
                Near(1e-6, "lower"),
                "Table 2",
                "Classifier, training loss",
                epoch,
            ),
            Claim(
                f"classifier_epoch{epoch}_accuracy",
                "accuracy",
                "%",
                accuracy,
                Near(1, "higher"),
                "Table 2",
                "Classifier, accuracy on the test images",
                epoch,
            ),
        ]
    return found


def _table_3() -> list[Claim]:
    found = []
    for method, (loss, accuracy, seconds) in TABLE_3.items():
        name = METHODS[method]
        found += [
            Claim(
                f"{method}_loss",
                "loss",
                "nats",
                loss,
                Near(1e-4, "lower"),
                "Table 3",
                f"{name}: classifier’s loss on its reconstructions",
                200,
            ),
            Claim(
                f"{method}_accuracy",
                "accuracy",
                "%",
                accuracy,
                Near(1, "higher"),
                "Table 3",
                f"{name}: classifier’s accuracy on its reconstructions",
                200,
            ),
            Claim(
                f"{method}_training_seconds",
                "time",
                "s",
                seconds,
                Near(1e-6, "lower"),
                "Table 3",
                f"{name}: training time (another machine)",
                200,
            ),
        ]
    return found


def _figure_7() -> list[Claim]:
    return [
        Claim(
            f"{method}_loss_rank",
            "order",
            "rank",
            rank,
            Holds("="),
            "Figure 7",
            f"{METHODS[method]}: rank of its final training loss, 1 is the lowest",
            200,
        )
        for method, rank in FIGURE_7.items()
    ]


def _text() -> list[Claim]:
    source = "Statements of the text"
    return [
        Claim(
            "cnn_accuracy_rank",
            "order",
            "rank",
            1,
            Holds("="),
            source,
            "“The CNN method performed best”: rank of its accuracy",
            200,
        ),
        Claim(
            "lowest_accuracy",
            "accuracy",
            "%",
            70.0,
            Holds("≥"),
            source,
            "“All three methods have a good result (accuracy > 70 %)”: the lowest of the three",
            200,
        ),
        Claim(
            "ann_shared_accuracy_gap",
            "accuracy",
            "points",
            3.0,
            # Both accuracies are printed to 1 point, so their difference is known to 1 point.
            Near(2, "lower"),
            source,
            "ANN and shared ANN have “very close accuracy”: difference",
            200,
        ),
        Claim(
            "shared_lead_seconds",
            "time",
            "s",
            0.0,
            Holds(">"),
            source,
            "Sharing weights “spends less time”: lead over the faster of the others (paper: 12.5)",
            200,
        ),
        *(
            Claim(
                f"{method}_loss_ratio",
                "loss",
                "ratio",
                1.0,
                Near(2 * (WELL_TRAINED_RATIO - 1), "lower"),
                source,
                f"“All three methods are well trained”: {METHODS[method]}, training loss over "
                "that of the same network trained well",
                200,
            )
            for method in METHODS
        ),
        Claim(
            "cnn_quality_lead",
            "accuracy",
            "points",
            0.0,
            Holds(">"),
            source,
            "The CNN has “the best quality”: lead over the ANNs’ accuracy, at the better training",
            200,
        ),
        Claim(
            "cnn_over_pca",
            "accuracy",
            "points",
            0.0,
            Holds(">"),
            source,
            "“Our result is much better than PCA”: CNN’s accuracy over that of PCA, 40 values",
            200,
        ),
        Claim(
            "ann_over_pca",
            "accuracy",
            "points",
            0.0,
            Holds(">"),
            source,
            "“Our result is much better than PCA”: ANN’s accuracy over that of PCA, 400 values",
            200,
        ),
    ]


CLAIMS: dict[str, Claim] = {
    claim.id: claim for claim in [*_table_2(), *_table_3(), *_figure_7(), *_text()]
}
