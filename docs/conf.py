"""Settings of the documentation. Its warnings are errors: ``make check``."""

import sys
from importlib.metadata import version as installed_version
from pathlib import Path

# The doctests import the demos.
sys.path.insert(0, str(Path(__file__).parents[1]))

project = "Flask-Datastar"
copyright = "Flask-Datastar contributors"
version = release = installed_version("Flask-Datastar")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.doctest"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints = "description"

# Parts of pages, made by `make bench`.
exclude_patterns = ["explanation/measured"]

# Each page's code runs as the module `shop`.
doctest_global_setup = "__name__ = 'shop'"

# A modifier such as `data-on:input__debounce.200ms` is no HTML attribute to Pygments, which then highlights it anyway.
suppress_warnings = ["misc.highlighting_failure"]

html_theme = "furo"
html_title = f"Flask-Datastar {release}"
