"""What tests of the documentation share."""

import importlib
import sys
from pathlib import Path

import pytest

EXTENSIONS = Path(__file__).parents[2] / "docs" / "_ext"


@pytest.fixture(scope="session")
def docs_module():
    """Imports a module of docs/_ext by its name."""

    def imported(name):
        sys.path.insert(0, str(EXTENSIONS))
        try:
            return importlib.import_module(name)
        finally:
            sys.path.pop(0)

    return imported
