"""Curves of an earlier comparison beside those of a new one, where both sent the same images.

What takes hours to make, such as a paper's network, need not be made again for every further line.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from imgcomp.errors import UsageError

_SAME_DATA = ("fingerprint", "images", "image_shape", "photographs")
_SAME = ("ms_ssim", "amortised_over")
_ALIKE = 0.02
"""As far apart are classifiers that were trained alike on different processors."""
_ROUNDED = 1e-5
"""As far are numbers of a compact form from what they were."""


def with_lines_of(earlier: Mapping[str, Any], results: Mapping[str, Any]) -> dict[str, Any]:
    """Results and, behind their lines, those of an earlier comparison that they lack.

    Records of lines that both have are the new ones; records of a line that only the earlier one
    has are its own, those of what is recognised by its own classifier. What is best of all rivals
    is that of the rivals measured anew.

    Args:
        earlier: content of ``results.json``.
        results: likewise, of the same images.

    Returns:
        The content with both, and in ``kept`` the names of the earlier ``lines``, their
        classifier's ``originals_accuracy``, and the ``environment`` that they were made in.

    Raises:
        UsageError: other images were sent, or other classifiers judge.
    """
    _check(earlier, results)
    names = {line["name"] for line in results["lines"]}
    lines = [line for line in earlier["lines"] if line["name"] not in names]
    kept = {line["name"] for line in lines}

    def old(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            each
            for each in records
            if {each.get("line"), each.get("tested"), each.get("anchor")} & kept
        ]

    listed = ("bd_rates", "with_model", "at_quality")
    return {
        **results,
        "retrained": results.get("retrained") or earlier.get("retrained"),
        "codecs": list(dict.fromkeys([*results["codecs"], *earlier["codecs"]])),
        "lines": [*results["lines"], *lines],
        **{name: [*results[name], *old(earlier[name])] for name in listed},
        "fallen": [_fallen(each, earlier["fallen"], kept) for each in results["fallen"]],
        "kept": {
            "lines": sorted(kept),
            **{key: earlier[key] for key in ("originals_accuracy", "environment")},
        },
    }


def _check(earlier: Mapping[str, Any], results: Mapping[str, Any]) -> None:
    for key in (*_SAME_DATA, *_SAME):
        was, now = (each.get(key, each["data"].get(key)) for each in (earlier, results))
        if was != now:
            raise UsageError(f"the comparison to keep lines of has {key} {was!r}, this one {now!r}")
    was, now = earlier["originals_accuracy"], results["originals_accuracy"]
    if (was is None) != (now is None) or abs((was or 0.0) - (now or 0.0)) > _ALIKE:
        raise UsageError(
            f"the classifier of the comparison to keep lines of has an accuracy of {was} on the "
            f"originals, that of this one {now}: they were not trained alike"
        )


def _fallen(
    record: dict[str, Any], earlier: list[dict[str, Any]], kept: set[str]
) -> dict[str, Any]:
    """What kept lines have lost, where it was looked at at the same rate of the same rival."""
    for each in earlier:
        same = all(each[key] == record[key] for key in ("size", "drop", "rival"))
        if same and math.isclose(each["rate"], record["rate"], rel_tol=_ROUNDED):
            return {
                **record,
                "lines": [
                    *record["lines"],
                    *(line for line in each["lines"] if line["line"] in kept),
                ],
            }
    return record
