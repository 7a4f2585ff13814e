"""Print the shell block of README.md that stands under a given marker, for CI to run it as it is.

The marker is an HTML comment such as ``<!-- ci: test-command -->``; the block is the fenced ``sh``
block that follows it directly.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path


def command(text: str, marker: str) -> str:
    """The lines of the block under a marker.

    Args:
        text: The README.
        marker: Name in the comment, such as ``test-command``.

    Returns:
        The block's text, without the fences.

    Raises:
        ValueError: If there is no such marker, or not exactly one block directly under it.
    """
    comment = re.escape(f"<!-- ci: {marker} -->")
    found = re.findall(rf"^{comment}\n+```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    if len(found) != 1:
        raise ValueError(
            f"expected one ```sh block directly under '<!-- ci: {marker} -->', found {len(found)}"
        )
    return str(found[0])


def main() -> None:
    """Print the block named by the one argument."""
    if len(sys.argv) != 2:
        sys.exit("usage: readme_command.py MARKER")
    readme = Path(__file__).parents[1] / "README.md"
    try:
        print(command(readme.read_text("utf-8"), sys.argv[1]), end="")
    except ValueError as error:
        sys.exit(f"{readme.name}: {error}")


if __name__ == "__main__":
    main()
