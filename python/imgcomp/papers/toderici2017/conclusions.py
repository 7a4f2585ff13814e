"""toderici2017: from the finished stages to judged claims, curves and the report's parts."""

from __future__ import annotations

from imgcomp.papers.experiment import Run
from imgcomp.papers.toderici2017.claims import CLAIMS
from imgcomp.papers.toderici2017.figures import figures
from imgcomp.papers.toderici2017.findings import findings
from imgcomp.papers.toderici2017.numbers import Numbers
from imgcomp.papers.toderici2017.tables import tables
from imgcomp.report import Choice, JudgedClaim, Outcome
from imgcomp.stages import Artifacts


def conclude(run: Run, artifacts: Artifacts) -> Outcome:
    """Judge every claim and gather what the report shows."""
    numbers = Numbers(run, artifacts)
    sizes = {"test": int(numbers.data("measure", numbers.variants[0])["images"])}
    if numbers.with_photographs:
        found = numbers.data("photographs", numbers.variants[0])
        sizes |= {"photographs": len(found["pixels"]), "tiles": int(found["tile_count"])}
    return Outcome(
        claims=_judge(numbers),
        findings=findings(numbers),
        tables=tables(numbers),
        figures=figures(numbers),
        curves=numbers.curves(),
        sizes=sizes,
        choices=_CHOICES,
    )


def claim_values(numbers: Numbers) -> dict[str, list[float]]:
    """What we have for each claim, one value per seed; those of photographs only with some."""
    per_iteration = numbers.rates()[-1] / numbers.iterations()
    found = {
        "bits_per_pixel": [per_iteration] * len(numbers.seeds),
        "every_iteration_psnr": numbers.least_gain("psnr"),
        "every_iteration_ms_ssim": numbers.least_gain("ms_ssim"),
    }
    if numbers.with_photographs:
        shares = numbers.ahead_of("jpeg", "ms_ssim")
        if shares is not None:
            found["beats_jpeg"] = shares
    return found


def _judge(numbers: Numbers) -> list[JudgedClaim]:
    values = claim_values(numbers)
    return [claim.judge(values[name]) for name, claim in CLAIMS.items() if name in values]


_CHOICES = (
    Choice(
        "",
        "none",
        "figures of the paper that are compared",
        "its areas are of networks several times as wide, trained far longer on other images, and "
        "measured on 24 photographs; only statements are compared that do not depend on that, and "
        "JPEG, which depends on it much",
    ),
    Choice(
        "",
        "a plain convolutional GRU",
        "the GRU",
        "the paper’s is a hybrid of GRU and ResNet with shortcuts of its own",
    ),
    Choice(
        "",
        "mean absolute difference of image and reconstruction, mean over all iterations",
        "the objective",
        "the paper’s sum of the residuals’ L1 norms over iterations, but for a constant; residuals "
        "are not multiplied by the gain",
    ),
    Choice(
        "",
        "adaptive",
        "the variant of MS-SSIM",
        "its windows shrink with the image; on whole photographs it is MS-SSIM as published",
    ),
    Choice(
        "",
        "packed bits, eight to a byte, no header and no entropy coding",
        "bytes of the networks’ codes",
        "the image’s size is taken as known; JPEG’s and WebP’s bytes are those of whole files. "
        "What entropy coding leaves is in the table of what the code really takes",
    ),
)
