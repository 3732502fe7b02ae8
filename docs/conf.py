"""Sphinx configuration: `sphinx-build -W docs build/docs` builds the documentation.

The reference is generated from the registries and the pictures by running the examples, so both
always match the code.
"""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from reference import write_reference

import fastlr

project = "fastlr"
author = "The fastlr developers"
copyright = f"2026, {author}"
version = release = fastlr.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["guide/README.rst"]
html_theme = "furo"
html_title = f"fastlr {release}"
myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 3

autodoc_default_options = {"members": False}
autosummary_generate = True
numpydoc_show_class_members = False
default_role = "code"  # `name` in a docstring is code, as in Markdown

sphinx_gallery_conf = {
    "examples_dirs": "guide",
    "gallery_dirs": "generated/guide",
    "filename_pattern": r"plot_",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_memory": False,
    "write_computation_times": False,
    "remove_config_comments": True,
    "min_reported_time": 5,
}


def escape_names(app, what, name, obj, options, lines):
    """Escape names such as `n_iter_` in shapes, which would be read as links."""
    lines[:] = [re.sub(r"(?<![`\w.])(\w+)_(?=[,)])", r"\1\\_", line) for line in lines]


def setup(app):
    """Write the reference before Sphinx reads the pages."""
    write_reference(Path(__file__).parent / "generated" / "reference")
    app.connect("autodoc-process-docstring", escape_names, priority=400)  # before numpydoc's
