"""Sphinx configuration: MyST pages, the API from the docstrings, results from results/ as they are.

sphinx-build -W --keep-going -b html docs docs/_build
"""

import sys
from importlib.metadata import version as installed_version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "imgcomp"
author = "the imgcomp contributors"
copyright = author
version = release = installed_version("imgcomp")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "committed_results",
    "command_line",
]
exclude_patterns = ["_build", "_ext"]
# Where the committed results lie; -D imgcomp_results=DIR builds the pages with others.
imgcomp_results = str(Path(__file__).parents[1] / "results")

# In the docstrings, a name in single backticks is a name of the package.
default_role = "py:obj"
python_use_unqualified_type_names = True
maximum_signature_line_length = 80
autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
_ALIASES = "ArrayLike Callback FitData Index LayerSpec Root Spec Verdict"
autodoc_type_aliases = {name: name for name in _ALIASES.split()}
autodoc_default_options = {"members": True, "show-inheritance": True}
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_attr_annotations = True

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"imgcomp {version}"
html_static_path = ["_static"]
html_css_files = ["imgcomp.css"]
html_copy_source = False
