"""The files of an app: its templates, its Python, and the scripts in its static folders."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

from flask import Flask

from .findings import Source
from .literals import Embedded
from .python_files import PythonFile, read_python
from .template_reader import read_template
from .templates import Template

_SKIPPED = frozenset({"node_modules", "__pycache__", "build", "dist", "tests", "test", "site-packages"})
_TEMPLATES = (".html", ".htm", ".xml", ".xhtml", ".svg", ".jinja", ".jinja2", ".j2")
_SCRIPTS = (".js", ".mjs", ".html")
_MOST_BYTES = 1_048_576
_PACKAGE = Path(__file__).parents[1]


def shown(path: Path) -> str:
    """Return a path as the user would write it: relative if it is below the current folder."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def read_files(app: Flask, extension: object) -> list[PythonFile]:
    """Read the Python files below the folders of an app and its blueprints.

    Files that the process has not imported are read if another one imports them later, inside a function. Files with
    syntax errors are left out.
    """
    roots = {Path(app.root_path).resolve(), *(root for root in _blueprint_folders(app) if not _is_installed(root))}
    paths = sorted({path for root in roots for path in _walk(root, (".py",))})
    names = {path.name for path in paths}
    modules = {
        Path(file).resolve(): name
        for name, module in list(sys.modules.items())
        if (file := getattr(module, "__file__", None)) and os.path.basename(file) in names and name != "__main__"
    }
    found = []
    for path in paths:
        if path.name.startswith("test_") or path.name == "conftest.py":
            continue
        text = _read(path)
        if text is not None:
            module = modules.get(path)
            namespace = vars(sys.modules[module]) if module is not None else {}
            try:
                found.append(read_python(Source(shown(path), text), module, namespace, extension))
            except (SyntaxError, ValueError, RecursionError):
                continue
    return _reachable(found)


def _reachable(files: list[PythonFile]) -> list[PythonFile]:
    found = [file for file in files if file.module is not None]
    others = {Path(file.source.name).stem: file for file in files if file.module is None}
    for file in found:
        # Grows while it is looped over.
        found += [others.pop(name) for name in sorted(file.imports & others.keys())]
    return found


def _walk(root: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    """Yield the files below a folder, without installed packages, virtual environments, tests and hidden folders."""
    if not root.is_dir() or root == _PACKAGE or root in _installed_folders():
        return
    for path in root.iterdir():
        if path.is_dir():
            if path.name[0] != "." and path.name not in _SKIPPED and not (path / "pyvenv.cfg").exists():
                yield from _walk(path, suffixes)
        elif path.suffix in suffixes:
            yield path.resolve()


def _read(path: Path) -> str | None:
    try:
        if path.stat().st_size > _MOST_BYTES:
            return None
        return path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except (OSError, UnicodeDecodeError):
        return None


def read_templates(app: Flask, files: Iterable[PythonFile]) -> list[Template]:
    """Read the templates that an app's loader lists, and those in strings of its Python."""
    environment = app.jinja_env
    found: list[Template] = []
    embedded = {fragment.text: (file, node, fragment) for file in files for node, fragment in file.strings}
    for name in environment.list_templates(filter_func=lambda name: name.endswith(_TEMPLATES)):
        try:
            text, filename, _ = environment.loader.get_source(environment, name)  # type: ignore[union-attr]
        except Exception:
            continue
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        path = Path(filename) if filename else None
        if path is None and text in embedded:
            # A template of a DictLoader stands in a file of Python, where it can be corrected.
            file, node, fragment = embedded.pop(text)
            source: Source = Embedded(file.source.name, text, file.source, tuple(fragment.offsets))
            template = read_template(environment, name, source, is_own=True)
        else:
            # The app itself may be installed, too.
            own = path is None or not _is_installed(path.resolve()) or path.is_relative_to(app.root_path)
            template = read_template(environment, name, Source(shown(path) if path else name, text), is_own=own)
        found.append(template)
    for file, node, fragment in embedded.values():
        if ("{{" in fragment.text or "{%" in fragment.text) and not fragment.gaps and "<" in fragment.text:
            source = Embedded(file.source.name, fragment.text, file.source, tuple(fragment.offsets))
            line, column = source.position(0)
            template = read_template(environment, f"{file.source.name}:{line}:{column}", source, is_own=True)
            if template.error is None:
                template.used_by = (file, file.function_of(node))
                found.append(template)
    return found


def _blueprint_folders(app: Flask) -> set[Path]:
    return {Path(blueprint.root_path).resolve() for blueprint in app.blueprints.values()}


def _installed_folders() -> set[Path]:
    return {Path(folder).resolve() for folder in sysconfig.get_paths().values()}


def _is_installed(path: Path) -> bool:
    """Return whether a path belongs to an installed package, or to this one."""
    return any(path.is_relative_to(folder) for folder in _installed_folders()) or path.is_relative_to(_PACKAGE)


def read_scripts(app: Flask) -> Iterator[str]:
    """Yield the texts of the scripts in the static folders, without the client's own."""
    folders = {app.static_folder, *(blueprint.static_folder for blueprint in app.blueprints.values())}
    for folder in sorted(one for one in folders if one):
        for path in _walk(Path(folder).resolve(), _SCRIPTS):
            text = _read(path) if not path.name.startswith("datastar") else None
            if text is not None:
                yield text
