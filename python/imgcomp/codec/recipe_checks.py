"""Checks of recipes: each message names the key, what was expected and what came."""

from __future__ import annotations

import dataclasses
import difflib
import inspect
import itertools
import os
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from imgcomp._checks import real_number, seed_number, whole_number
from imgcomp.datasets import _registry
from imgcomp.errors import DatasetError, UsageError
from imgcomp.models.house import house_spec
from imgcomp.training.config import FitConfig

TABLES = 6000
"""Training images that tables are counted on where nothing else is said."""
_KEYS = ("name", "kind", "seed", "start", "judge", "data", "network", "fit")
_DATA = ("training", "validation", "tables")
_FIT: dict[str, Any] = {"objective": "rate+lambda*mse"}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_+-]*")
_MISSING = object()


def checked(values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The fields of a recipe from what a file has.

    Args:
        values: by key.
        where: how messages call the file.

    Raises:
        UsageError: names the file, the key, what was expected and what came.
    """
    try:
        _known("", values, _KEYS)
        seed = seed_number("seed", _get(values, "seed"))
        data = _table(values, "data")
        _known("data.", data, _DATA)
        training = _training(_table(data, "training", "data."))
        return {
            "name": _name(_get(values, "name")),
            "kind": _text("kind", _get(values, "kind")),
            "seed": seed,
            "start": _text("start", values["start"]) if "start" in values else None,
            "judge": _text("judge", values["judge"]) if "judge" in values else None,
            "training": training,
            "validation": _validation(_table(data, "validation", "data.", {}), training),
            "tables": whole_number("data.tables", data.get("tables", TABLES)),
            "network": _network(_table(values, "network")),
            "fit": _fit(_table(values, "fit", "", {}), seed),
        }
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from None


def _known(prefix: str, values: Mapping[str, Any], keys: Iterable[str]) -> None:
    known = list(keys)
    for key in values:
        if key not in known:
            close = difflib.get_close_matches(str(key), known, n=1)
            hint = f"did you mean {prefix}{close[0]}? " if close else ""
            raise UsageError(f"unknown key {prefix}{key}; {hint}known: {', '.join(sorted(known))}")


def _get(values: Mapping[str, Any], key: str, prefix: str = "", default: Any = _MISSING) -> Any:
    found = values.get(key, default)
    if found is _MISSING:
        raise UsageError(f"{prefix}{key} is missing")
    return found


def _table(
    values: Mapping[str, Any], key: str, prefix: str = "", default: Any = _MISSING
) -> Mapping[str, Any]:
    found = _get(values, key, prefix, default)
    if not isinstance(found, Mapping):
        raise UsageError(f"{prefix}{key} must be a table, not {found!r}")
    return found


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"{name} must be words, not {value!r}")
    return value.strip()


def _name(value: object) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise UsageError(
            f"name must be letters, digits, - and _, for it is that of files, not {value!r}"
        )
    return value


def _training(values: Mapping[str, Any]) -> dict[str, int]:
    found: dict[str, int] = {}
    for name, count in values.items():
        known = _dataset(name, "data.training")
        if known in found:
            raise UsageError(f"data.training: {known} is there twice")
        found[known] = whole_number(f"data.training.{name}", count)
    if not found:
        raise UsageError("data.training must name a data set, such as digits = 1000, not be empty")
    return found


def _validation(
    values: Mapping[str, Any], training: Mapping[str, int]
) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for name, span in values.items():
        key = f"data.validation.{name}"
        known = _dataset(name, "data.validation")
        if known not in training:
            raise UsageError(f"{key}: must be one of data.training: {', '.join(training)}")
        if known in found:
            raise UsageError(f"data.validation: {known} is there twice")
        if not isinstance(span, (list, tuple)) or len(span) != 2:
            raise UsageError(
                f"{key} must be two places among the training images, [first, behind the last], "
                f"not {span!r}"
            )
        first = whole_number(f"{key}[0]", span[0], 0)
        last = whole_number(f"{key}[1]", span[1], first + 1)
        if first < training[known]:
            raise UsageError(
                f"{key} must begin behind the {training[known]:,} images that are trained on, not "
                f"at {first:,}"
            )
        found[known] = (first, last)
    return found


def _dataset(name: str, key: str) -> str:
    """The name that a data set has here; a path of a folder as it is."""
    if os.sep in name:
        return name
    try:
        return _registry.lookup(name).name
    except DatasetError as error:
        raise UsageError(f"{key}: {error}") from None


def _wholes(name: str, value: object) -> tuple[int, ...]:
    if not isinstance(value, (list, tuple)) or not value:
        raise UsageError(f"{name} must be whole numbers, such as [2, 4], not {value!r}")
    return tuple(whole_number(f"every one of {name}", each) for each in value)


def _lambdas(name: str, value: object) -> tuple[float, ...]:
    if not isinstance(value, (list, tuple)) or len(value) < 2:
        raise UsageError(f"{name} must be at least two rising numbers, not {value!r}")
    found = tuple(real_number(f"every one of {name}", each, above=True) for each in value)
    if any(low >= high for low, high in itertools.pairwise(found)):
        raise UsageError(f"{name} must be at least two rising numbers, not {value!r}")
    return found


def _range(name: str, value: object) -> tuple[float, float]:
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise UsageError(f"{name} must be two numbers, such as [0.0, 1.0], not {value!r}")
    low = real_number(f"{name}[0]", value[0], float("-inf"))
    return low, real_number(f"{name}[1]", value[1], low, above=True)


def _count(name: str, value: object) -> int:
    return whole_number(name, value, 0)


_SETTINGS: dict[str, Callable[[str, object], Any]] = {
    "lambdas": _lambdas,
    "groups": _wholes,
    "data_range": _range,
    "encoder_blocks": _count,
    "decoder_blocks": _count,
}


def _network(values: Mapping[str, Any]) -> dict[str, Any]:
    settings = [n for n in inspect.signature(house_spec).parameters if n != "image_shape"]
    _known("network.", values, settings)
    for name in ("lambdas", "groups"):
        _get(values, name, "network.")
    return {
        name: _SETTINGS.get(name, whole_number)(f"network.{name}", value)
        for name, value in values.items()
    }


def _fit(values: Mapping[str, Any], seed: int) -> FitConfig:
    _known("fit.", values, [f.name for f in dataclasses.fields(FitConfig) if f.name != "seed"])
    try:
        return FitConfig.create({**_FIT, **values}, seed=seed)
    except UsageError as error:
        raise UsageError(f"fit.{error}") from None
