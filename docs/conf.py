"""Settings of the documentation. Its warnings are errors: ``make check``."""

import re
import sys
import zlib
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import get_type_hints

from docutils.nodes import Element, Text
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

import flask_datastar
from flask_datastar import Datastar
from flask_datastar.regions.region import Region

HERE = Path(__file__).parent

# The doctests import the demos.
sys.path.insert(0, str(HERE.parent))

project = "Flask-Datastar"
copyright = "Flask-Datastar contributors"
version = release = installed_version("Flask-Datastar")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.doctest", "sphinx.ext.intersphinx"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
autodoc_preserve_defaults = True
add_module_names = False

# Each page's code runs as the module `shop`.
doctest_global_setup = "__name__ = 'shop'"

# A modifier such as `data-on:input__debounce.200ms` is not an HTML attribute to Pygments, which highlights it anyway.
suppress_warnings = ["misc.highlighting_failure"]

html_theme = "furo"
html_title = f"Flask-Datastar {release}"
# For programs that read documentation; `llms.py` writes it.
html_extra_path = ["llms.txt"]

# Every name in the API reference has to lead somewhere, but for these.
nitpicky = True
nitpick_ignore_regex = [
    # Type variables have no entry anywhere.
    ("py:class", r"flask_datastar\.(.+\.)?([FMVW])"),
    # The parts of elements and wait points, and "all tabs". Users pass and get them, but never name them.
    ("py:class", r"flask_datastar\.(.+\.)?(HasHtml|ElementOptions|AllTabs|Ticks|Messages|Changes|Follow|Followable)"),
    # A type of the standard library, to which these pages have no links.
    ("py:class", r"Path"),
    # Aliases of types that the docstrings spell out.
    ("py:class", r"(flask_datastar\.(.+\.)?)?(Arguments|BrokerSource)"),
]

# Objects that users get from a method and never import. They are documented as if the package exported them, so that
# links to them stay the same when their modules move.
_tabs = get_type_hints(Datastar.tabs.fget)["return"]
(_tab_info,) = get_type_hints(_tabs.snapshot)["return"].__args__
for _class in (
    _tabs,
    _tab_info,
    Region,
    *(get_type_hints(made)["return"] for made in (Datastar.broadcast, Datastar.expr, Datastar.show)),
):
    setattr(flask_datastar, _class.__name__, _class)


def make_inventories(app: Sphinx, config: object) -> None:
    """Write the inventories that intersphinx reads, from ``links.txt``."""
    text = (HERE / "links.txt").read_text(encoding="utf-8")
    for name, url, section in re.findall(r"^\[(\w+) (\S+)\]\n([^\[]*)", text, re.MULTILINE):
        lines = re.findall(r"^(\w+) (\S+) (\S+)$", section, re.MULTILINE)
        body = "".join(f"{target} py:{kind} 1 {place} -\n" for kind, target, place in lines)
        path = app.doctreedir / f"{name}.inv"
        path.parent.mkdir(parents=True, exist_ok=True)
        header = f"# Sphinx inventory version 2\n# Project: {name}\n# Version: \n# Compressed using zlib.\n"
        path.write_bytes(header.encode() + zlib.compress(body.encode()))
        app.config.intersphinx_mapping[name] = (url, str(path))


def name_what_is_sent(app: Sphinx, env: BuildEnvironment, node: Element, shown: Element) -> Element | None:
    """Show ``EventResponse`` where an annotation has the type variable of the sending methods."""
    if not node.get("reftarget", "").endswith(".Sent"):
        return None
    name = "EventResponse"
    return env.domains.python_domain.resolve_xref(
        env, node["refdoc"], app.builder, "class", f"flask_datastar.{name}", node, Text(name)
    )


def setup(app: Sphinx) -> None:
    """Connect the settings that need the application."""
    app.connect("config-inited", make_inventories, priority=100)
    app.connect("missing-reference", name_what_is_sent)
