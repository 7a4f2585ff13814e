"""The metadata provider that pins torch, and what the installed package requires."""

from __future__ import annotations

import importlib.util
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest

from imgcomp import _build_info

PROVIDER = Path(__file__).parents[2] / "cmake" / "torch_pin.py"


@pytest.fixture
def provider() -> ModuleType:
    spec = importlib.util.spec_from_file_location("torch_pin", PROVIDER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("version", "requirement"),
    [
        ("2.13.0+cpu", "torch==2.13.0"),
        ("2.11.0+cu130", "torch==2.11.0"),
        ("2.12.1", "torch==2.12.1"),
    ],
)
def test_local_label_is_left_out(provider: ModuleType, version: str, requirement: str) -> None:
    assert provider.torch_requirement(version) == requirement


def test_pin_is_added_to_the_given_list(
    provider: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider.metadata, "version", lambda name: {"torch": "2.12.0+cpu"}[name])
    fields = provider.dynamic_metadata({"dependencies": ["numpy>=1.26"]}, {})
    assert fields == {"dependencies": ["numpy>=1.26", "torch==2.12.0"]}
    assert provider.dynamic_wheel({}) == {"dependencies": True}


def test_missing_torch_says_what_to_do(
    provider: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(provider.metadata, "version", missing)
    with pytest.raises(RuntimeError, match="--no-build-isolation"):
        provider.dynamic_metadata({"dependencies": []}, {})


def test_installed_package_requires_the_torch_it_was_built_against(provider: ModuleType) -> None:
    required = metadata.requires("imgcomp")
    assert required is not None
    assert provider.torch_requirement(_build_info.TORCH_VERSION) in required
