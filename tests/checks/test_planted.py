"""Mistakes planted in copies of the example: the check finds each, at its line and column, and nothing else."""

from __future__ import annotations

import functools
import importlib
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from flask_datastar.checks.findings import Finding
from flask_datastar.checks.run import check_app
from flask_datastar.state.app import app_state_of
from flask_datastar.views.url import ViewUrls
from tests.checks.planted import MISTAKES, Mistake
from tests.checks.planted_shapes import FILES, SHAPES

# Coverage would double the time, and other tests measure the same lines.
pytestmark = pytest.mark.no_cover

EXAMPLE = Path(__file__).parents[2] / "example"
ALL = [*MISTAKES, *SHAPES]
#: The numbers of the copies. A run of the check takes most of a second: each copy has many mistakes.
COPIES = sorted({mistake.copy for mistake in ALL})


@dataclass(frozen=True)
class Checked:
    """What the check found in a copy, and the start of the finding that is expected for each mistake."""

    found: list[Finding]
    places: dict[Mistake, str]


def plant(package: Path, mistakes: list[Mistake]) -> dict[Mistake, str]:
    """Make mistakes in a copy; return the place of each, once all of them are made."""
    offsets: dict[Mistake, int] = {}
    for name in {mistake.file for mistake in mistakes}:
        path = package / name
        text = path.read_text(encoding="utf-8")
        starts = {mistake: text.index(mistake.right) for mistake in mistakes if mistake.file == name}
        made, end = "", 0
        for mistake, start in sorted(starts.items(), key=lambda item: item[1]):
            assert start >= end, f"{mistake.title} is where another mistake is: put it into another copy"
            made += text[end:start]
            offsets[mistake] = len(made)
            made += mistake.wrong
            end = start + len(mistake.right)
        path.write_text(made + text[end:], encoding="utf-8")
    return {mistake: place_of(package, mistake, offset) for mistake, offset in offsets.items()}


def place_of(package: Path, mistake: Mistake, offset: int) -> str:
    """Return the start of the finding for a mistake that was made at an offset of its file."""
    name = mistake.found_in or mistake.file
    text = (package / name).read_text(encoding="utf-8")
    # From the start of the changed line.
    index = text.index(mistake.at, 0 if mistake.found_in else text.rfind("\n", 0, offset) + 1)
    line = text.count("\n", 0, index) + 1
    column = index - text.rfind("\n", 0, index)
    return f"example/{name}:{line}:{column}: "


def add_shapes(package: Path) -> None:
    """Add the page of other shapes; the example registers it, as a user would."""
    for name, content in FILES.items():
        (package / name).write_text(content, encoding="utf-8")
    start = package / "__init__.py"
    start.write_text(
        start.read_text(encoding="utf-8")
        .replace("import board, clock", "import board, shapes, clock")
        .replace("for module in (counter,", "for module in (shapes, counter,"),
        encoding="utf-8",
    )


def modules_of_example() -> list[str]:
    return [name for name in sys.modules if name == "example" or name.startswith("example.")]


def check(folder: Path) -> list[Finding]:
    """Check the copy of the example in a folder; the modules of the real one come back at the end."""
    with pytest.MonkeyPatch.context() as patch:
        for name in modules_of_example():
            patch.delitem(sys.modules, name)
        patch.syspath_prepend(folder)
        patch.chdir(folder)
        try:
            package = importlib.import_module("example")
            assert Path(package.__file__).parent == folder / "example"
            database = f"sqlite:///{folder / 'demos.sqlite'}"
            app = package.create_app({"SQLALCHEMY_DATABASE_URI": database, "SECRET_KEY": "check"})
            with app.app_context():
                return list(check_app(app, app_state_of(app).part(ViewUrls)).findings)
        finally:
            for name in modules_of_example():
                del sys.modules[name]


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Checked]:
    """Check the copy of a number once; copy 0 is the example as it is."""

    @functools.cache
    def of_copy(number: int) -> Checked:
        folder = tmp_path_factory.mktemp(f"copy{number}")
        package = folder / "example"
        shutil.copytree(EXAMPLE, package, ignore=shutil.ignore_patterns("__pycache__", "static"))
        if number:
            add_shapes(package)
        places = plant(package, [mistake for mistake in ALL if mistake.copy == number])
        return Checked(check(folder), places)

    return of_copy


def assert_found(mistake: Mistake, copy: Checked) -> None:
    place = copy.places[mistake]
    found = [finding for finding in copy.found if str(finding).startswith(place)]

    assert len(found) == 1, (place, [*map(str, copy.found)])
    assert mistake.says in found[0].text


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.title)
def test_mistake_is_found(mistake: Mistake, checked: Callable[[int], Checked]) -> None:
    assert_found(mistake, checked(mistake.copy))


@pytest.mark.parametrize("mistake", SHAPES, ids=lambda mistake: mistake.title)
def test_mistake_in_another_shape_is_found(mistake: Mistake, checked: Callable[[int], Checked]) -> None:
    assert_found(mistake, checked(mistake.copy))


@pytest.mark.parametrize("number", COPIES)
def test_nothing_else_is_found(number: int, checked: Callable[[int], Checked]) -> None:
    copy = checked(number)
    places = [*copy.places.values()]

    assert [str(finding) for finding in copy.found if not str(finding).startswith(tuple(places))] == []
    # A finding is that of one mistake.
    assert len(copy.found) == len(set(places)) == len(places)


def test_there_are_twenty_of_each() -> None:
    assert (len(MISTAKES), len(SHAPES)) == (20, 20)


def test_example_has_no_mistakes(checked: Callable[[int], Checked]) -> None:
    assert checked(0) == Checked([], {})
