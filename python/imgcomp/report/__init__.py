"""Reports: claims and the rules that judge them, results.json, and the page for people.

See `Results` for the layout of results.json and `imgcomp.report.claims` for the rules.
"""

from imgcomp.report.claims import VERDICTS, Claim, Holds, JudgedClaim, Near, Rule, Verdict
from imgcomp.report.environment import environment, maker
from imgcomp.report.html import render_html
from imgcomp.report.results import (
    Choice,
    Column,
    Figure,
    Outcome,
    Results,
    Table,
    check_results,
    read_results,
)

__all__ = [
    "VERDICTS",
    "Choice",
    "Claim",
    "Column",
    "Figure",
    "Holds",
    "JudgedClaim",
    "Near",
    "Outcome",
    "Results",
    "Rule",
    "Table",
    "Verdict",
    "check_results",
    "environment",
    "maker",
    "read_results",
    "render_html",
]
