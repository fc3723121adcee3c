"""The figures of the plan: how they are counted, and what the package holds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.house import figures

# Only the text of the package is read.
pytestmark = pytest.mark.no_cover

MakePackage = Callable[[dict[str, str]], Path]


@pytest.fixture
def make_package(tmp_path: Path) -> MakePackage:
    """Write a package ``house``: file → text; the ``__init__`` of each folder is written, too."""

    def make(files: dict[str, str]) -> Path:
        package = tmp_path / "house"
        for name, text in {"__init__.py": "", **files}.items():
            path = package / name
            path.parent.mkdir(parents=True, exist_ok=True)
            (path.parent / "__init__.py").touch()
            path.write_text(text)
        return package

    return make


def rooms_of(package: Path) -> dict[str, set[str]]:
    return {room: {*targets} for room, targets in figures.count(package).rooms.items()}


# Rooms and arrows


def test_flat_modules_and_folders_are_rooms(make_package: MakePackage) -> None:
    package = make_package({"door.py": "", "hub/stream.py": "", "hub/deep/turns.py": "", "cli/__init__.py": ""})

    assert rooms_of(package) == {"__init__": set(), "cli": set(), "door": set(), "hub": set()}


@pytest.mark.parametrize(
    "statement",
    [
        "from . import door",
        "from .door import key",
        "import house.door",
        "import house.door as front",
        "from house import door",
        "from house.door import key",
        "def enter():\n    from . import door",
        "class Hall:\n    from .door import key",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .door import key",
        "import typing\nif typing.TYPE_CHECKING:\n    from .door import key",
        "try:\n    from .door import key\nexcept ImportError:\n    key = None",
    ],
)
def test_every_import_statement_is_an_arrow(make_package: MakePackage, statement: str) -> None:
    package = make_package({"door.py": "key = 1", "hall.py": f"import os\nimport housekeeping\n{statement}"})

    assert rooms_of(package) == {"__init__": set(), "door": set(), "hall": {"door"}}


def test_imports_in_folders_start_from_the_folder(make_package: MakePackage) -> None:
    package = make_package(
        {
            "door.py": "",
            "hub/__init__.py": "from .stream import Stream\nfrom .. import door",
            "hub/stream.py": "from . import turns\nfrom ..wire import events\nfrom .. import version",
            "hub/turns.py": "",
            "wire/events.py": "",
        }
    )

    assert rooms_of(package) == {
        "__init__": set(),
        "door": set(),
        "hub": {"door", "wire", "__init__"},
        "wire": set(),
    }


def test_many_imports_of_one_room_are_one_arrow(make_package: MakePackage) -> None:
    package = make_package({"hall.py": "from .hub import a\nfrom .hub.b import c", "hub/a.py": "", "hub/b.py": "c = 1"})

    assert figures.count(package).measures()["arrows"] == 1


def test_rooms_are_listed_from_the_top_with_how_they_are_imported(
    make_package: MakePackage, capsys: pytest.CaptureFixture[str]
) -> None:
    package = make_package(
        {
            "__init__.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .hall import Hall",
            "door.py": "",
            "hall.py": "from .door import key\ndef enter():\n    from .door import lock\n    from .stairs import up",
            "stairs.py": "",
        }
    )

    assert figures.main(["--package", str(package), "--rooms"]) == 0
    listed = capsys.readouterr().out.partition("\n\n")[2].splitlines()
    assert [line.split(maxsplit=2) for line in listed] == [
        ["3", "__init__", "hall (types)"],
        ["2", "hall", "door, stairs (late)"],
        ["1", "door"],
        ["1", "stairs"],
    ]


# Floors and circles


def test_floors_are_the_longest_chain() -> None:
    graph = {"roof": {"hall", "cellar"}, "hall": {"stairs"}, "stairs": {"cellar"}, "cellar": set(), "shed": {"cellar"}}

    assert figures.floors_of(graph) == {"roof": 4, "hall": 3, "stairs": 2, "cellar": 1, "shed": 2}
    assert figures.chain_of(graph) == ["roof", "hall", "stairs", "cellar"]


def test_rooms_of_a_circle_share_a_floor() -> None:
    graph = {"roof": {"a"}, "a": {"b"}, "b": {"c", "cellar"}, "c": {"a"}, "cellar": set()}

    assert figures.floors_of(graph) == {"roof": 3, "a": 2, "b": 2, "c": 2, "cellar": 1}
    assert figures.circles_of(graph) == [["a", "b", "c"]]
    assert figures.chain_of(graph)[0] == "roof"


def test_arrows_inside_a_circle_point_up(make_package: MakePackage) -> None:
    package = make_package(
        {
            "roof.py": "from . import hall",
            "hall.py": "from . import stairs, cellar",
            "stairs.py": "def up():\n    from . import hall",
            "cellar.py": "",
        }
    )

    measures = figures.count(package).measures()

    assert (measures["arrows"], measures["arrows up"], measures["circles of rooms"]) == (4, 2, 1)


def test_circles_of_files_are_seen_within_a_room(make_package: MakePackage) -> None:
    package = make_package({"hub/a.py": "from . import b", "hub/b.py": "from .a import c"})

    measures = figures.count(package).measures()

    assert (measures["circles of rooms"], measures["circles of files"]) == (0, 1)


# Functions


def test_lines_of_a_body_are_counted_without_the_docstring(make_package: MakePackage) -> None:
    text = '''
@decorate(
    "much"
)
def long(
    first,
):
    """Do.

    And more.
    """
    # Not yet.
    one = 1

    # Still in the body.
    def inner():
        return (
            one
        )

    return inner


class Hall:
    async def enter(self): return 1

    def described(self):
        """Only a docstring."""
'''
    found = figures.count(make_package({"hall.py": text})).functions

    assert {function.name: function.lines for function in found} == {"long": 9, "inner": 3, "enter": 1, "described": 0}
    assert {function.file for function in found} == {"hall.py"}


# The bars


def chain(length: int) -> dict[str, str]:
    """Write modules of which each imports the next."""
    return {f"m{number}.py": f"from . import m{number + 1}" for number in range(length - 1)} | {f"m{length - 1}.py": ""}


def function(lines: int) -> str:
    return "def work():\n    '''Work.'''\n" + "    pass\n" * lines


AT_THE_BARS = {
    "rooms": {f"m{number}.py": "" for number in range(figures.BARS["rooms"] - 1)},
    "floors": chain(12),
    "largest module": {"hall.py": "pass\n" * 270},
    "longest function": {"hall.py": function(40)},
}
ABOVE_THE_BARS = {
    "rooms": {f"m{number}.py": "" for number in range(figures.BARS["rooms"])},
    "floors": chain(13),
    "arrows up": {"a.py": "from . import b", "b.py": "from . import a"},
    "circles of rooms": {"a.py": "from . import b", "b.py": "from . import a"},
    "circles of files": {"hub/a.py": "from . import b", "hub/b.py": "from . import a"},
    "largest module": {"hall.py": "pass\n" * 271},
    "longest function": {"hall.py": function(41)},
}


def test_every_bar_is_tried() -> None:
    assert ABOVE_THE_BARS.keys() == figures.BARS.keys()


@pytest.mark.parametrize("name", AT_THE_BARS)
def test_a_plan_at_its_bars_passes(name: str, make_package: MakePackage, capsys: pytest.CaptureFixture[str]) -> None:
    assert figures.main(["--package", str(make_package(AT_THE_BARS[name]))]) == 0
    assert "BROKEN" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ABOVE_THE_BARS)
def test_a_plan_above_a_bar_fails(name: str, make_package: MakePackage, capsys: pytest.CaptureFixture[str]) -> None:
    assert figures.main(["--package", str(make_package(ABOVE_THE_BARS[name]))]) == 1
    broken = [line for line in capsys.readouterr().out.splitlines() if line.endswith("BROKEN")]
    assert any(line.startswith(name) for line in broken)


def test_what_breaks_a_bar_is_named(make_package: MakePackage, capsys: pytest.CaptureFixture[str]) -> None:
    package = make_package(
        {"hub/big.py": "pass\n" * 300 + function(50), "a.py": "from . import b", "b.py": "import house.a"}
    )

    figures.main(["--package", str(package)])

    out = capsys.readouterr().out
    assert "function of 50 lines: hub/big.py:301 work" in out
    assert "module of 352 lines: hub/big.py" in out
    assert "circle: a, b" in out


def test_a_folder_that_is_no_package_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        figures.main(["--package", str(tmp_path)])

    assert exit_.value.code == 2
    assert "it has no __init__.py" in capsys.readouterr().err


# The package


def test_the_package_holds_its_figures() -> None:
    counted = figures.count(Path(figures.__file__).parents[2] / "flask_datastar")
    floors = figures.floors_of(counted.rooms)

    assert figures.broken(counted.measures(), figures.BARS) == []
    assert floors["sansio"] == floors["transport"] == 1
    assert floors["__init__"] > floors["extension"] > floors["streams"] > 1
