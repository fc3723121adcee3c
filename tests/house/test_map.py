"""The map in ``docs/contributing.md``: every module has a row, and whatever the page names exists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE, TESTS = ROOT / "flask_datastar", ROOT / "tests"
PAGE = (ROOT / "docs" / "contributing.md").read_text(encoding="utf-8")

#: A file or folder in backticks; a star stands for any part of a file's name.
PATH = re.compile(r"`((?:[\w-]+/)*[\w*.-]+\.(?:py|md|cfg|html|toml)|(?:[\w-]+/)+)`")
#: A name and the file that has it: "`StreamBody.connect` in `streams/body.py`".
NAME = re.compile(r"`([A-Za-z_][\w.]*)` (?:in|of) `([\w/]+\.py)`")


@dataclass(frozen=True)
class Row:
    """One subject of the map: its files, and the files of its tests."""

    subject: str
    sources: str
    tests: str


def rows_of(page: str) -> list[Row]:
    section = page.split("\n## Where does the next thing go?\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ") and not line.startswith("| you ")]
    return [Row(*(cell.strip() for cell in line.strip("|").split("|"))) for line in lines]


def find(path: str, *folders: Path) -> set[Path]:
    """Return the files and folders of the first folder that has any by that path."""
    return next((found for folder in folders if (found := {*folder.glob(path.rstrip("/"))})), set())


def has_code(path: Path) -> bool:
    """Return whether a module is more than its docstring."""
    return len(ast.parse(path.read_text(encoding="utf-8")).body) > 1


def modules_without_row(page: str) -> list[str]:
    named = {path for row in rows_of(page) for text in PATH.findall(row.sources) for path in find(text, PACKAGE, ROOT)}
    modules = (path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py" or has_code(path))
    return sorted(str(path.relative_to(PACKAGE)) for path in modules if path not in named)


def unfound_tests(page: str) -> list[str]:
    """Return the files of tests that are neither in a row nor named after the module that they test."""
    named = {path for row in rows_of(page) for text in PATH.findall(row.tests) for path in find(text, TESTS)}
    folders = [TESTS, *(TESTS / path.name for path in PACKAGE.iterdir() if path.is_dir())]
    files = (path.relative_to(TESTS) for folder in folders for path in folder.glob("test_*.py") if path not in named)
    return sorted(
        str(path) for path in files if not (PACKAGE / path.parent / path.name.removeprefix("test_")).is_file()
    )


def missing_paths(page: str) -> Iterator[str]:
    for row in rows_of(page):
        yield from (text for text in PATH.findall(row.sources) if not find(text, PACKAGE, ROOT))
        yield from (text for text in PATH.findall(row.tests) if not find(text, TESTS))
    # A name without a folder may be an example, as utils.py is.
    others = (text for text in PATH.findall(page) if "/" in text)
    yield from (text for text in others if not find(text, PACKAGE, TESTS, ROOT))


def missing_names(page: str) -> Iterator[str]:
    for name, text in NAME.findall(page):
        sources = [path.read_text(encoding="utf-8") for path in find(text, PACKAGE, ROOT)]
        if not any(all(re.search(rf"\b{part}\b", source) for part in name.split(".")) for source in sources):
            yield f"{name} in {text}"


def missing_commands(page: str) -> Iterator[str]:
    """Return the commands of the page that cannot be run: files, modules, and targets of the Makefile."""
    commands = [*re.findall(r"`([^`\n]+)`", page), *re.findall(r"^```sh\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)]
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for command in commands:
        yield from (path for path in re.findall(r"-m pytest (\S+)", command) if not (ROOT / path).is_file())
        modules = re.findall(r"-m (tests[\w.]+)", command)
        yield from (module for module in modules if not (ROOT / f"{module.replace('.', '/')}.py").is_file())
        yield from (target for target in re.findall(r"^make ([a-z-]+)", command) if target not in targets)


def test_every_module_has_a_row() -> None:
    assert modules_without_row(PAGE) == [], "name them in a table of docs/contributing.md"


def test_every_test_file_is_found() -> None:
    assert unfound_tests(PAGE) == [], "name them after a module, or in a table of docs/contributing.md"


def test_every_row_says_where_its_test_goes() -> None:
    rows = rows_of(PAGE)

    assert len(rows) > 100
    assert [row.subject for row in rows if "`" not in row.sources or "`" not in row.tests] == []


def test_every_path_exists() -> None:
    assert [*missing_paths(PAGE)] == []


def test_every_name_is_in_its_file() -> None:
    assert len(NAME.findall(PAGE)) > 10
    assert [*missing_names(PAGE)] == []


def test_every_command_can_be_run() -> None:
    assert [*missing_commands(PAGE)] == []


def test_every_folder_has_a_line_in_the_tree() -> None:
    tree = PAGE.split("```text\nflask_datastar/\n")[1].split("```")[0]

    named = set(re.findall(r"^  ([\w.]+)/?  ", tree, re.MULTILINE))
    there = {path.name for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    assert named == there


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("`hub/endings.py`", "`hub/stream.py`", ["hub/endings.py"]),
        ("`models/*_kind.py`", "`models/msgspec_kind.py`", ["models/dataclass_kind.py", "models/typeddict_kind.py"]),
        ("`streams/test_waiting.py`", "`streams/test_opening.py`", ["streams/test_waiting.py"]),
        ("`hub/test_bus.py`", "`hub/test_buses.py`", ["hub/test_buses.py"]),
        ("`transport/addresses.py`", "`hub/addresses.py`", ["hub/addresses.py", "transport/addresses.py"]),
        # The file is there, but not among the tests.
        ("`hub/test_turns.py`", "`hub/turns.py`", ["hub/turns.py"]),
        ("`StreamHub._end_slow`", "`StreamHub._end_late`", ["StreamHub._end_late in hub/hub.py"]),
        ("-m pytest tests/", "-m pytest test/", ["test/sending/test_elements.py"]),
        ("`make soak`", "`make soap`", ["soap"]),
        ("-m tests.house.walks", "-m tests.house.walk", ["tests.house.walk"]),
    ],
)
def test_what_is_wrong_on_the_page_is_found(before: str, after: str, found: list[str]) -> None:
    page = PAGE.replace(before, after)

    wrong = {
        *modules_without_row(page),
        *unfound_tests(page),
        *missing_paths(page),
        *missing_names(page),
        *missing_commands(page),
    }

    assert page != PAGE
    assert set(found) <= wrong
