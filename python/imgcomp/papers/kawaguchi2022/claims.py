"""kawaguchi2022: every claim of the paper and the rule that judges it, fixed before any run."""

from __future__ import annotations

from imgcomp.report import Claim, Holds, Near

FIGURES_5_6 = {10: 0.145, 30: 0.144}
"""Epochs → model 1's training loss, as the text reads its Figures 5 and 6."""
VALIDATION = 0.1421
"""Model 1's validation loss “after the same number of epochs” as model 2's 0.0012, which is 10."""
MODEL_2 = 0.0012
"""Model 2's losses from epoch 10 on."""
EXCESS = 0.001
"""How far above its floor model 1 may end for us to say that it reached the floor."""


def _model_1() -> list[Claim]:
    found = [
        Claim(
            f"model1_epoch{epoch}_loss",
            "loss",
            "",
            loss,
            Near(1e-3, "lower"),
            "Section 6.3, Figures 5 and 6",
            "Model 1, training loss (MSE in [-1, 1])",
            epoch,
        )
        for epoch, loss in FIGURES_5_6.items()
    ]
    return [
        *found,
        Claim(
            "model1_epoch10_val_loss",
            "loss",
            "",
            VALIDATION,
            Near(1e-4, "lower"),
            "Section 6.4",
            "Model 1, validation loss (MSE in [-1, 1])",
            10,
        ),
        Claim(
            "model1_val_loss_drop",
            "loss",
            "",
            0.001,
            Near(1e-3, None),
            "Section 6.3: “decreased by 0.001 over the course of 20 epochs”",
            "Model 1: how much the validation loss falls from the shorter to the longer training",
            30,
        ),
        Claim(
            "model1_generalisation_gap",
            "loss",
            "",
            0.001,
            Holds("≤"),
            "Section 6.3: “neither overfitted nor underfitted”",
            "Model 1: validation loss over training loss, without the difference of their floors; "
            "at most the text’s last digit",
            30,
        ),
    ]


def _model_2() -> list[Claim]:
    return [
        Claim(
            f"model2_epoch{epoch}_{name}",
            "loss",
            "",
            MODEL_2,
            Near(1e-4, "lower"),
            "Section 6.4, Figure 9: “close to 0.0012 after only 10 epochs”",
            f"Model 2, {text} loss (MSE in [0, 1])",
            epoch,
        )
        for epoch in (10, 20)
        for name, text in (("loss", "training"), ("val_loss", "validation"))
    ]


def _both() -> list[Claim]:
    return [
        Claim(
            "model2_psnr_lead",
            "accuracy",
            "dB",
            0.0,
            Holds(">"),
            "Section 6.4: “model2 is performing better than model1”",
            "Model 2’s PSNR over model 1’s on the test images, whatever their codes take",
            20,
        ),
        Claim(
            "model2_equal_bits_lead",
            "accuracy",
            "dB",
            0.0,
            Holds(">"),
            "Section 6.4: “model2 [is] better than model1 … in terms of compressing images”",
            "The same at equal numbers of code bits: model 2 with model 1’s 512 values, both as "
            "32-bit floats",
            20,
        ),
        Claim(
            "model2_layers",
            "order",
            "layers",
            0.0,
            Holds("<"),
            "Section 6.4: “model2 … has less layers”",
            "Convolutions of model 2 less those of model 1, transposed ones counted",
        ),
        Claim(
            "model2_parameters",
            "size",
            "ratio",
            1.0,
            Holds("<"),
            "Section 6.4: “model2 is less complex than model1”",
            "Model 2’s trainable values over model 1’s",
        ),
        *(
            Claim(
                f"{name}_code_share",
                "size",
                "ratio",
                1.0,
                Holds("<"),
                "Title and section 3: the encoder “compresses” the image",
                f"{text}: values in the code over bytes of the image",
            )
            for name, text in (("model1", "Model 1"), ("model2", "Model 2"))
        ),
    ]


CLAIMS: dict[str, Claim] = {claim.id: claim for claim in [*_model_1(), *_model_2(), *_both()]}
