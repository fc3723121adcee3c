"""Obstacles to the sample: URLs, files and names of the user's in its place."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from flask import Flask

from . import files, sample
from .layouts import template_folder
from .project import Project

_PATH = re.compile(rf"""["']{sample.PATH}/?["']""")
_GROUP = re.compile(r"""\b(?:group=|Blueprint\(\s*)["']sample["']""")
_ENDPOINT = re.compile(
    r"""\bendpoint=["'](\w+)["']|\badd_url_rule\([^,()]+,\s*["'](\w+)["']|^def (\w+)\(""", re.MULTILINE
)
#: Folders whose Python is not the application's.
_OTHERS = {"tests", "test", "node_modules", "site-packages", "__pycache__"}


def endpoints_of(app: Flask, project: Project) -> frozenset[str]:
    """Return names that views of the application have, or may have."""
    texts = (path.read_bytes().decode(errors="replace") for path in modules_of(project.folder))
    found = {name for text in texts for match in _ENDPOINT.findall(text) for name in match if name}
    return frozenset(found | set(app.view_functions))


def find_obstacles(app: Flask, project: Project, *, has_module: bool) -> Iterator[str]:
    """Find what the application has in the place of the sample's functions.

    :param has_module: whether these get a module of their own.
    """
    if has_module:
        for path in (project.folder / sample.MODULE, project.folder / "sample" / "__init__.py"):
            if path.exists():
                yield f"{files.shown(path)} is a file of yours"
    found = False
    for path in modules_of(project.folder):
        text = path.read_bytes().decode(errors="replace")
        if _PATH.search(text):
            found = True
            yield f'{files.shown(path)} has "{sample.PATH}"'
        elif _GROUP.search(text):
            yield f'{files.shown(path)} has a group or a blueprint "sample"'
    if not found and any(rule.rule.rstrip("/") == sample.PATH for rule in app.url_map.iter_rules()):
        yield f'the application has a URL rule "{sample.PATH}"'


def find_other_files(app: Flask, names: sample.Names, *, has_test: bool) -> Iterator[str]:
    """Find files of the user's in the place of the sample's template and test."""
    path = template_folder(app) / sample.TEMPLATE
    if path.exists():
        text = files.read_text(path)
        if f"'sample.{names.say}'" not in text or f"'sample.{names.messages}'" not in text:
            yield f"{files.shown(path)} is a file of yours"
    path = Path.cwd() / "tests" / sample.TEST
    if has_test and path.exists() and _PATH.search(files.read_text(path)) is None:
        yield f"{files.shown(path)} is a file of yours"


def modules_of(folder: Path) -> Iterator[Path]:
    """Return the Python files of an application, without tests and environments."""
    for top, folders, names in os.walk(folder):
        folders[:] = sorted(
            name
            for name in folders
            if name not in _OTHERS and not name.startswith(".") and not Path(top, name, "pyvenv.cfg").exists()
        )
        for name in sorted(names):
            if name.endswith(".py") and not name.startswith(("test_", "conftest")):
                yield Path(top, name)
