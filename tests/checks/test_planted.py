"""Mistakes planted in a copy of the example: the check finds each, at its line and column, and nothing else."""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_datastar.checks import files
from flask_datastar.checks.findings import Finding, Source
from flask_datastar.checks.python_files import PythonFile, read_python
from flask_datastar.checks.run import check_app
from flask_datastar.state.app import app_state_of
from flask_datastar.views.url import ViewUrls
from tests.checks.planted import MISTAKES, Mistake
from tests.checks.planted_shapes import FILES, SHAPES

# Coverage would double the time, and other tests measure the same lines.
pytestmark = pytest.mark.no_cover

EXAMPLE = Path(__file__).parents[2] / "example"


def check(app: Flask) -> list[Finding]:
    with app.app_context():
        return list(check_app(app, app_state_of(app).part(ViewUrls)).findings)


class Copy:
    """A copy of the example in which files can be changed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.package = folder / "example"
        shutil.copytree(EXAMPLE, self.package, ignore=shutil.ignore_patterns("__pycache__", "static"))
        self._app: Flask | None = None

    def app(self) -> Flask:
        """Create the application of the files as they are; templates may change later."""
        for name in [name for name in sys.modules if name == "example" or name.startswith("example.")]:
            del sys.modules[name]
        importlib.invalidate_caches()
        package = importlib.import_module("example")
        assert Path(package.__file__).parent == self.package
        app: Flask = package.create_app(
            {"SQLALCHEMY_DATABASE_URI": f"sqlite:///{self.folder / 'demos.sqlite'}", "SECRET_KEY": "check"}
        )
        return app

    def check(self, mistake: Mistake) -> tuple[list[Finding], str]:
        """Make a mistake, check, and take it back; also return the place where it is expected."""
        path = self.package / mistake.file
        before = path.read_text(encoding="utf-8")
        assert before.count(mistake.right) >= 1
        after = before.replace(mistake.right, mistake.wrong, 1)
        path.write_text(after, encoding="utf-8")
        try:
            if mistake.file.endswith(".py"):
                found, self._app = check(self.app()), None
            else:
                self._app = self._app or self.app()
                found = check(self._app)
            where = (self.package / (mistake.found_in or mistake.file)).read_text(encoding="utf-8")
        finally:
            path.write_text(before, encoding="utf-8")
        # From the start of the changed line.
        start = 0 if mistake.found_in else after.rfind("\n", 0, after.index(mistake.wrong)) + 1
        index = where.index(mistake.at, start)
        line = where.count("\n", 0, index) + 1
        column = index - where.rfind("\n", 0, index)
        return found, f"example/{mistake.found_in or mistake.file}:{line}:{column}: "


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Copy]]:
    """Make copies of the example; the modules of the real one come back at the end."""
    with pytest.MonkeyPatch.context() as patch:
        # A file of the same length that was written within the same second would be taken for the earlier one.
        patch.setattr(sys, "dont_write_bytecode", True)
        # Python that has not changed is read once; an app that is created again has another extension.
        read: dict[tuple[object, ...], PythonFile] = {}

        def read_once(source: Source, module: str | None, namespace: Any, extension: object) -> PythonFile:
            key = (source.name, source.text, module, id(extension))
            if key not in read:
                read[key] = read_python(source, module, namespace, extension)
                extensions.append(extension)
            return read[key]

        extensions: list[object] = []
        patch.setattr(files, "read_python", read_once)
        for name in [name for name in sys.modules if name == "example" or name.startswith("example.")]:
            patch.delitem(sys.modules, name)
        made: dict[str, Copy] = {}

        def make(name: str) -> Copy:
            if name not in made:
                folder = tmp_path_factory.mktemp(name)
                made[name] = Copy(folder)
            patch.syspath_prepend(made[name].folder)
            patch.chdir(made[name].folder)
            return made[name]

        yield make
        for name in [name for name in sys.modules if name == "example" or name.startswith("example.")]:
            del sys.modules[name]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.title)
def test_mistake_is_found(mistake: Mistake, copy: Callable[[str], Copy]) -> None:
    found, place = copy("planted").check(mistake)

    assert [str(finding)[: len(place)] for finding in found] == [place], [*map(str, found)]
    assert mistake.says in found[0].text


@pytest.mark.parametrize("mistake", SHAPES, ids=lambda mistake: mistake.title)
def test_mistake_in_another_shape_is_found(mistake: Mistake, copy: Callable[[str], Copy]) -> None:
    site = copy("shapes")
    for name, content in FILES.items():
        path = site.package / name
        if name.endswith(".py") and not path.exists():
            # The example registers it, as a user would.
            start = site.package / "__init__.py"
            start.write_text(
                start.read_text(encoding="utf-8")
                .replace("import board, clock", "import board, shapes, clock")
                .replace("for module in (counter,", "for module in (shapes, counter,"),
                encoding="utf-8",
            )
        if not path.exists():
            path.write_text(content, encoding="utf-8")

    found, place = site.check(mistake)

    assert [str(finding)[: len(place)] for finding in found] == [place], [*map(str, found)]
    assert mistake.says in found[0].text


def test_there_are_twenty_of_each() -> None:
    assert (len(MISTAKES), len(SHAPES)) == (20, 20)


def test_example_has_no_mistakes(copy: Callable[[str], Copy]) -> None:
    assert check(copy("right").app()) == []
