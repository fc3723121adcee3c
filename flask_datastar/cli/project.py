"""The user's project: the file that creates the Flask application, and the names by which others reach it."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
from flask import Flask

from . import files, sample

_CREATES = re.compile(r"\bFlask\(")
_INSTANCE = re.compile(r"^(\w+)(?:\s*:[^=\n]+)?\s*=\s*(?:\w+\.)?Datastar\(", re.MULTILINE)
_CALL = re.compile(r"^[^#\n]*\bDatastar\(", re.MULTILINE)
#: Where ``flask run`` looks for an application.
_USUAL = ("wsgi.py", "app.py")


@dataclass(frozen=True, slots=True)
class Project:
    """A file that creates an application.

    :param path: of the file.
    :param root: the folder from which the application is run and tested.
    """

    path: Path
    root: Path

    @property
    def folder(self) -> Path:
        """The application's own folder, which has its templates."""
        return self.path.parent

    @property
    def source(self) -> str:
        """The folder from which the application is imported, relative to the root; empty for the root itself."""
        return "src" if self.path.relative_to(self.root).parts[0] == "src" else ""

    @property
    def is_package(self) -> bool:
        """Whether other modules of the application are imported relative to it."""
        return (self.folder / "__init__.py").exists()

    def module(self, path: Path | None = None) -> str:
        """Return the name by which a file is imported; without one, that of the application."""
        parts = list((path or self.path).relative_to(self.root).with_suffix("").parts)
        if parts[0] == self.source:
            del parts[0]
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def instance(self) -> tuple[Path, str] | None:
        """Return the file that creates the ``Datastar``, and the name of that; None if no file does."""
        for path, text in self._extension_files():
            found = _INSTANCE.search(text)
            if found is not None:
                return path, found[1]
        return None

    def has_nameless_instance(self) -> bool:
        """Check whether a file creates a ``Datastar`` in a function or without a name."""
        return self.instance() is None and any(_CALL.search(text) for _, text in self._extension_files())

    def _extension_files(self) -> Iterator[tuple[Path, str]]:
        """Yield the files that import the extension."""
        for path in [self.path, *sorted(self.folder.rglob("*.py") if self.is_package else self.folder.glob("*.py"))]:
            text = files.read_text(path)
            if "flask_datastar" in text:
                yield path, text


@dataclass(frozen=True, slots=True)
class Target:
    """An application by the names under which it is imported.

    :param source: the folder from which it is imported; empty for the current one.
    :param module: its module.
    :param variable: the application, or the factory.
    :param takes_nothing: whether the factory can be called without arguments.
    :param names: those of the sample's functions; None if the application has no sample.
    :param has_stores: whether it names a database, which a test with the application as it is would use.
    """

    source: str
    module: str
    variable: str
    is_factory: bool
    takes_nothing: bool
    names: sample.Names | None
    has_stores: bool

    @property
    def name(self) -> str:
        """The name for servers."""
        return f"{self.module}:{self.variable}"


def find_project(root: Path, name: str | None) -> Project:
    """Find the file that creates the application.

    :param name: the file or the module, as in ``FLASK_APP``; None to search the folder.
    :raises click.ClickException: if there is not exactly one, or the named file does not exist.
    """
    named = name or os.environ.get("FLASK_APP")
    if named:
        return Project(_named(root, named.partition(":")[0]), root)
    usual = [path for text in _USUAL if (path := root / text).is_file() and _creates(path)]
    others = [root.glob("*.py"), root.glob("*/__init__.py"), root.glob("src/*/__init__.py"), root.glob("*/app.py")]
    found = usual[:1] or sorted({path for paths in others for path in paths if _creates(path)})
    if not found:
        raise click.ClickException(f"No file in {root} creates a Flask application; name the file with --app.")
    if len(found) > 1:
        names = ", ".join(files.shown(path) for path in found)
        raise click.ClickException(f"Several files create a Flask application: {names}. Name one of them with --app.")
    return Project(found[0], root)


def project_of(app: Flask, root: Path) -> Project | None:
    """Return the project of an app that is loaded; None if its file is not below the folder."""
    module = sys.modules.get(app.import_name)
    path = getattr(module, "__file__", None)
    if path is None or not Path(path).is_relative_to(root) or Path(path).suffix != ".py":
        return None
    return Project(Path(path), root)


def _named(root: Path, name: str) -> Path:
    path = root / name
    dotted = root.joinpath(*name.split("."))
    for candidate in (path, path / "__init__.py", dotted.with_suffix(".py"), dotted / "__init__.py"):
        if candidate.is_file():
            return candidate
    raise click.ClickException(f"{name} is neither a file nor a module in {root}; name the file with --app.")


def _creates(path: Path) -> bool:
    return _CREATES.search(path.read_bytes().decode(errors="replace")) is not None
