"""toderici2017: the statements that can be compared, and their rules, fixed before any run.

The paper's own figures (areas on 24 photographs, of wide networks trained on millions of tiles)
are not compared: other widths, other images, far shorter trainings.
"""

from __future__ import annotations

from imgcomp.report import Claim, Holds, Near

BITS_PER_PIXEL = 0.125
MOST = 0.5
"""Share of the rates that counts as most of them."""

_ONE_NETWORK = (
    "Abstract: “variable compression rates during deployment without requiring retraining”"
)

CLAIMS: dict[str, Claim] = {
    claim.id: claim
    for claim in [
        Claim(
            "bits_per_pixel",
            "size",
            "bit/pixel",
            BITS_PER_PIXEL,
            Near(1e-3, None),
            "Section 3: 32×32 pixels become 2×2×32 bits in each iteration",
            "packed bytes of one image’s code, per iteration and pixel",
        ),
        Claim(
            "every_iteration_psnr",
            "order",
            "dB",
            0.0,
            Holds(">"),
            _ONE_NETWORK,
            "smallest gain of PSNR from one iteration to the next, test images, all networks",
        ),
        Claim(
            "every_iteration_ms_ssim",
            "order",
            "",
            0.0,
            Holds(">"),
            _ONE_NETWORK,
            "smallest gain of MS-SSIM from one iteration to the next, test images, all networks",
        ),
        Claim(
            "beats_jpeg",
            "order",
            "",
            MOST,
            Holds(">"),
            "Abstract: “able to outperform JPEG at image compression across most bitrates”, on "
            "Kodak’s photographs",
            "share of the iterations’ rates at which the best of these much narrower networks has "
            "a higher MS-SSIM than JPEG on whole photographs",
        ),
    ]
}
