"""The walks of the package: what is counted, and what the package holds."""

from __future__ import annotations

import subprocess
import sys
from ast import literal_eval
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from tests.house import walks
from tests.support.children import server_environment

# A walk is traced, which coverage would make twice as slow.
pytestmark = pytest.mark.no_cover

ROOT = Path(__file__).parents[2]
#: The crossings that the package keeps to: the bars, and for the other walks what was measured last.
HOLDS_TODAY = {**walks.BARS, "broadcast": 32, "page": 37}


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """Write and import a package of two files; what it returns is the upper one."""
    package = tmp_path / "walked"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "cellar.py").write_text(
        """
def fetch(item=None):
    return check(item)

def check(item):
    return item

def count(limit):
    yield from range(limit)

def fail():
    raise LookupError
"""
    )
    (package / "hall.py").write_text(
        """
from . import cellar

def straight():
    return cellar.fetch()

def by_others(call):
    return call(cellar.fetch)

def with_generator():
    return list(cellar.count(2))

def with_error():
    try:
        cellar.fail()
    except LookupError:
        return cellar.check(1)

def alone():
    return 1
"""
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield import_module("walked.hall")
    for name in [name for name in sys.modules if name.partition(".")[0] == "walked"]:
        del sys.modules[name]


def walk_of(step: Callable[[], object]) -> walks.Walk:
    with walks.Walk(str(Path(sys.modules["walked"].__file__ or "").parent)) as walk:
        step()
    return walk


def names(walk: walks.Walk) -> list[tuple[str, int, bool]]:
    return [(call.function, call.depth, call.is_crossing) for call in walk.calls]


# What is counted


def test_a_call_into_another_file_is_a_crossing(house: ModuleType) -> None:
    walk = walk_of(house.straight)

    assert names(walk) == [("straight", 0, False), ("fetch", 1, True), ("check", 2, False)]
    assert walk.measures() == {"calls": 3, "files": 2, "crossings": 1, "rooms": 2}


def test_frames_of_others_are_skipped(house: ModuleType) -> None:
    def other(call: Callable[[int], int]) -> list[int]:
        return [call(item) for item in (1,)]

    walk = walk_of(lambda: house.by_others(other))

    assert names(walk) == [("by_others", 0, False), ("fetch", 1, True), ("check", 2, False)]


def test_a_call_from_outside_is_no_crossing(house: ModuleType) -> None:
    def both() -> None:
        house.alone()
        house.cellar.fetch()
        house.alone()
        house.alone()

    assert walk_of(both).measures() == {"calls": 5, "files": 2, "crossings": 0, "rooms": 3}


def test_a_generator_counts_each_time_it_runs_on(house: ModuleType) -> None:
    walk = walk_of(house.with_generator)

    assert names(walk) == [("with_generator", 0, False), *[("count", 1, True)] * 3]
    assert walk.measures()["rooms"] == 2


def test_an_error_leaves_the_depth_right(house: ModuleType) -> None:
    assert names(walk_of(house.with_error)) == [("with_error", 0, False), ("fail", 1, True), ("check", 1, True)]


def test_nothing_is_recorded_before_and_after(house: ModuleType) -> None:
    before = sys.getprofile()
    house.straight()
    walk = walk_of(house.alone)
    house.straight()

    assert names(walk) == [("alone", 0, False)]
    assert sys.getprofile() is before


def test_the_walk_is_printed_with_its_crossings_numbered(house: ModuleType) -> None:
    walk = walk_of(house.with_error)

    assert [*walk.lines()] == [
        "      hall.py:13 with_error",
        "   1    cellar.py:11 fail",
        "   2    cellar.py:5 check",
    ]
    assert [*walk.tally()] == ["   1  cellar.py check", "   1  cellar.py fail"]


def test_the_third_time_is_recorded(house: ModuleType) -> None:
    times: list[int] = []

    @contextmanager
    def prepare() -> Iterator[Callable[[], object]]:
        def step() -> None:
            times.append(1)
            if len(times) == 3:
                house.straight()
            house.alone()

        yield step

    walk = walks.record(prepare, str(Path(house.__file__ or "").parent))

    assert [call.function for call in walk.calls] == ["straight", "fetch", "check", "alone"]


def test_a_walk_past_the_package_fails(tmp_path: Path) -> None:
    @contextmanager
    def prepare() -> Iterator[Callable[[], object]]:
        yield int

    with pytest.raises(AssertionError, match="no function below"):
        walks.record(prepare, str(tmp_path))


# The package


@pytest.mark.parametrize("name", walks.WALKS)
def test_the_package_holds_its_crossings(name: str) -> None:
    # In a process of its own, because what other tests have imported and patched is asked for in some walks.
    code = f"from tests.house import walks; print(walks.record(walks.WALKS[{name!r}]).measures())"
    command, variables = [sys.executable, "-c", code], server_environment()
    found = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=True)
    measures = literal_eval(found.stdout)

    assert 5 < measures["files"] <= measures["crossings"] <= HOLDS_TODAY[name]


@pytest.mark.parametrize("name", walks.WALKS)
def test_a_walk_is_the_same_each_time(name: str) -> None:
    first, second = (walks.record(walks.WALKS[name]) for _ in range(2))

    assert first.calls == second.calls


def test_the_walks_lead_past_what_the_user_calls() -> None:
    passed = {name: {call.function for call in walks.record(prepare).calls} for name, prepare in walks.WALKS.items()}

    assert "signal" in passed["signal"]
    assert {"signal", "follow"} <= passed["open"]
    assert {"broadcast", "patch_elements"} <= passed["broadcast"]
    assert {"signal", "init_signals", "post"} <= passed["page"]


@pytest.mark.parametrize(("bar", "status"), [(0, 1), (1000, 0)])
def test_a_broken_bar_is_the_exit_status(
    bar: int, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(walks, "BARS", {"signal": bar})

    assert walks.main(["--walk", "signal"]) == status
    out = capsys.readouterr().out
    assert ("BROKEN" in out) == bool(status)
    table, calls, crossings = out.split("\n\n")
    assert [line.split()[0] for line in table.splitlines()[2:]] == [*walks.WALKS]
    assert len(calls.splitlines()) == int(table.splitlines()[2].split()[1])
    assert sum(int(line.split()[0]) for line in crossings.splitlines()[1:]) == int(table.splitlines()[2].split()[3])
