"""TOML from text and from assignments of the command line."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from imgcomp.errors import UsageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def parse(text: str, where: str) -> dict[str, Any]:
    """A document.

    Args:
        text: TOML.
        where: the file's name, for messages.

    Raises:
        UsageError: it is none; says where it breaks off.
    """
    try:
        found: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{where}: not TOML: {error}") from None
    return found


def assign(document: dict[str, Any], assignments: Sequence[str]) -> None:
    """Changes values of a document in place, such as ``fit.epochs=2``.

    Args:
        document: of :func:`parse`.
        assignments: ``KEY=VALUE``, keys and values as in TOML; words need no quotes.

    Raises:
        UsageError: one is no assignment, or its key leads through something that is no table.
    """
    for text in assignments:
        key, equals, value = text.partition("=")
        path = _path(key) if equals else []
        if not path:
            raise UsageError(f"--set: expected KEY=VALUE, such as fit.epochs=2, got {text!r}")
        table = document
        for part in path[:-1]:
            table = table.setdefault(part, {})
            if not isinstance(table, dict):
                raise UsageError(f"--set: {key.strip()!r}: {part!r} is no table")
        table[path[-1]] = _value(value.strip())


def _path(key: str) -> list[str]:
    """The parts of a dotted key; none where it is no key."""
    try:
        found: Any = tomllib.loads(f"{key} = 0")
    except tomllib.TOMLDecodeError:
        return []
    path = []
    while isinstance(found, dict):
        ((part, found),) = found.items()
        path.append(part)
    return path


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return tomllib.loads(f"value = {json.dumps(text)}")["value"]
