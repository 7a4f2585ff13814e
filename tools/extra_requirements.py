"""Print the requirements of one extra of pyproject.toml, one a line."""

from __future__ import annotations

import re
import sys
from pathlib import Path


def requirements(text: str, extra: str) -> list[str]:
    """The requirements listed for an extra.

    Args:
        text: The text of pyproject.toml. Read by pattern: Python 3.10 has no TOML reader.
        extra: Name of the extra.

    Returns:
        The requirements in their order.

    Raises:
        ValueError: If there is no such extra.
    """
    table = re.search(r"^\[project\.optional-dependencies\]\n(.*?)(?=^\[)", text, re.M | re.S)
    found = table and re.search(rf"^{re.escape(extra)} = \[(.*?)\]$", table[1], re.M | re.S)
    if not found:
        raise ValueError(f"pyproject.toml has no extra '{extra}'")
    return re.findall(r'"([^"]+)"', found[1])


def main() -> None:
    """Print the requirements of the extra named by the one argument."""
    if len(sys.argv) != 2:
        sys.exit("usage: extra_requirements.py EXTRA")
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8")
    try:
        print("\n".join(requirements(text, sys.argv[1])))
    except ValueError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
