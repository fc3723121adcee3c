"""Settings of the documentation. Its warnings are errors: ``make check``."""

from importlib.metadata import version as installed_version

project = "Flask-Datastar"
copyright = "Flask-Datastar contributors"
version = release = installed_version("Flask-Datastar")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.doctest"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints = "description"

html_theme = "furo"
html_title = f"Flask-Datastar {release}"
