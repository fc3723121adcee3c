"""The walks of the package: what runs for one event, and how often it crosses from one file to another.

usage: python -m tests.house.walks [--walk NAME]

Prints a line for each walk; ``--walk open`` prints the walk itself, for those who want to shorten it. The exit status
is 1 when a bar of ``BARS`` is broken. The applications use public names only, so the script works on any tree:
``PYTHONPATH=/other/tree python tests/house/walks.py`` walks through the package there.

Counted is what ``sys.setprofile`` reports in the thread that serves the request:

calls
    Python functions of the package that are entered. A generator counts each time it runs on; so do comprehensions and
    generator expressions, which are functions of their own (Python 3.12 and newer run list, set and dict comprehensions
    in place, and count fewer calls, but the same crossings). What the standard library makes, as ``__init__`` of a
    dataclass, is no function of the package.
files
    The files that these functions stand in.
crossings
    Calls whose caller stands in another file. The caller is the next function of the package on the stack: frames of
    Flask, Werkzeug, Jinja or the application between the two are skipped, so a hook that Flask calls is called by what
    called Flask. A call without any function of the package on the stack comes from outside and is no crossing.
rooms
    The length of the sequence of files entered, in which a file that is entered twice in a row counts once. Returns
    do not count.

Everything is warm: a walk is recorded the third time, without garbage collection, and must do what it is for, or the
script fails. No clock is part of it, so the figures are the same each time.

signal
    A POST with a signal, through a handler with a parameter that sets the signal, to the end of the response.
open
    The GET of a declared stream, to the first bytes of its body. The stream has a scope and comes from a tab with an
    id, sets a signal and follows a topic; no other stream of its app is open. A stream of another app keeps the timer
    of the process running, whose start would depend on the moment.
broadcast
    One patch of elements to a topic, until it is in the queue of the one stream that follows the topic. In memory.
page
    A page that sets a signal, with ``init_signals()`` and an action that has a parameter.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from types import FrameType
from typing import Any

from flask import Flask, render_template_string
from werkzeug.test import TestResponse

import flask_datastar
from flask_datastar import Datastar

#: Walk → the crossings that it may have at most.
BARS = {"signal": 30, "open": 80}

_PACKAGE = os.path.dirname(flask_datastar.__file__)
_HEADERS = {"Datastar-Request": "true", "Sec-Fetch-Site": "same-origin"}
_PAGE = """<body {{ datastar.init_signals() }}><button data-on:click="{{ datastar.post('add', count=1) }}">"""


@dataclass(frozen=True)
class Call:
    """One call of a function of the package.

    :param depth: how many functions of the package stand on the stack below it.
    :param caller: file of the next one of these, None if there is none.
    """

    file: str
    function: str
    line: int
    depth: int
    caller: str | None

    @property
    def is_crossing(self) -> bool:
        return self.caller not in (None, self.file)


@dataclass
class Walk:
    """The calls of functions below a folder, recorded while the object is entered.

    :param folder: as it stands in the file names of the code.
    """

    folder: str
    calls: list[Call] = field(default_factory=list)

    def __enter__(self) -> Walk:
        self._prefix = os.path.join(self.folder, "")
        self._before = sys.getprofile()
        gc.collect()
        gc.disable()
        sys.setprofile(self._record)
        return self

    def __exit__(self, *error: object) -> None:
        sys.setprofile(self._before)
        gc.enable()

    def _record(self, frame: FrameType, event: str, argument: object) -> None:
        if event != "call" or not (file := frame.f_code.co_filename).startswith(self._prefix):
            return
        callers = []
        above = frame.f_back
        while above is not None:
            if above.f_code.co_filename.startswith(self._prefix):
                callers.append(self._short(above.f_code.co_filename))
            above = above.f_back
        code = frame.f_code
        caller = callers[0] if callers else None
        self.calls.append(Call(self._short(file), code.co_name, code.co_firstlineno, len(callers), caller))

    def _short(self, file: str) -> str:
        return file.removeprefix(self._prefix)

    def measures(self) -> dict[str, int]:
        return {
            "calls": len(self.calls),
            "files": len({call.file for call in self.calls}),
            "crossings": sum(call.is_crossing for call in self.calls),
            "rooms": sum(1 for _ in groupby(self.calls, lambda call: call.file)),
        }

    def lines(self) -> Iterator[str]:
        """Write a line for each call, indented by its depth; the crossings are numbered."""
        number = 0
        for call in self.calls:
            number += call.is_crossing
            mark = f"{number:4}" if call.is_crossing else "    "
            yield f"{mark}  {'  ' * call.depth}{call.file}:{call.line} {call.function}"

    def tally(self) -> Iterator[str]:
        """Write how often each function is crossed to, the most frequent first."""
        crossed = Counter(f"{call.file} {call.function}" for call in self.calls if call.is_crossing)
        for name, times in sorted(crossed.items(), key=lambda found: (-found[1], found[0])):
            yield f"{times:4}  {name}"


# The walks


def record(prepare: Callable[[], AbstractContextManager[Callable[[], object]]], folder: str = _PACKAGE) -> Walk:
    """Record a step the third time it runs; a response that it returns is closed after each time.

    :param prepare: makes the context that the step runs in.
    :raises AssertionError: if no function below the folder ran.
    """
    walk = Walk(folder)
    with prepare() as step:
        for _ in range(2):
            _close(step())
        with walk:
            result = step()
        _close(result)
    if not walk.calls:
        raise AssertionError(f"no function below {folder} ran; the walk is not the one that is meant")
    return walk


def _close(result: object) -> None:
    if isinstance(result, TestResponse):
        result.close()


@contextmanager
def _signal() -> Iterator[Callable[[], object]]:
    datastar, app = _make_app()

    @datastar.handler(group="shop")
    def add(count: int) -> None:
        datastar.signal("count", count + 1)

    def step() -> None:
        response = app.test_client().post("/ds/shop/add", json={"count": 41}, headers=_HEADERS)
        _expect(b'"count":42', response.data)

    yield step


@contextmanager
def _open() -> Iterator[Callable[[], object]]:
    (datastar, app), (_, other) = _make_app(), _make_app()

    @datastar.stream(group="shop", scope=lambda: "ada")
    def feed() -> Any:
        datastar.signal("count", 42)
        return datastar.follow("news")

    with _stream_of(other):
        yield lambda: _get_stream(app, "feed", b'"count":42')


@contextmanager
def _broadcast() -> Iterator[Callable[[], object]]:
    datastar, app = _make_app()
    with _stream_of(app) as chunks, app.app_context():
        yield lambda: datastar.broadcast("news").patch_elements('<p id="news">Rain</p>')
        _expect(b'<p id="news">Rain</p>', next(chunks))


@contextmanager
def _page() -> Iterator[Callable[[], object]]:
    datastar, app = _make_app()

    @datastar.handler
    def add(count: int) -> None:
        datastar.signal("count", count + 1)

    @app.get("/")
    def page() -> str:
        datastar.signal("count", 42)
        return render_template_string(_PAGE)

    def step() -> None:
        text = app.test_client().get("/").data
        _expect(b"{&#34;count&#34;:42}", text)
        _expect(b"/add?count=1", text)

    yield step


WALKS = {"signal": _signal, "open": _open, "broadcast": _broadcast, "page": _page}


def _make_app() -> tuple[Datastar, Flask]:
    app = Flask("shop")
    app.config["SECRET_KEY"] = "walk"
    datastar = Datastar(app)

    @datastar.stream(group="shop")
    def others() -> Any:
        return datastar.follow("news")

    return datastar, app


@contextmanager
def _stream_of(app: Flask) -> Iterator[Iterator[bytes]]:
    """Open a stream that follows the topic, for as long as the context lasts."""
    response = _get_stream(app, "others", b"")
    try:
        yield response.iter_encoded()
    finally:
        response.close()


def _get_stream(app: Flask, name: str, wanted: bytes) -> TestResponse:
    # The client takes the first chunk by itself, also unbuffered: it waits for what it can show.
    response = app.test_client().get(
        f"/ds/shop/{name}",
        query_string={"datastar": '{"count":41,"tabId":"0123456789abcdef.1"}'},
        headers=_HEADERS,
        environ_overrides={"wsgi.multithread": True},
    )
    _expect(wanted, next(response.iter_encoded()))
    return response


def _expect(wanted: bytes, found: bytes) -> None:
    if wanted not in found:
        raise AssertionError(f"the response has no {wanted!r}: {found!r}; the walk is not the one that is meant")


# Printing


def broken(measured: dict[str, dict[str, int]], bars: dict[str, int]) -> list[str]:
    """Find the walks that cross files more often than their bar."""
    return [name for name, bar in bars.items() if name in measured and measured[name]["crossings"] > bar]


def report(measured: dict[str, dict[str, int]]) -> Iterator[str]:
    """Write a table of all walks, with their bars."""
    yield f"{'walk':12}{'calls':>10}{'files':>10}{'crossings':>10}{'rooms':>10}"
    above = broken(measured, BARS)
    for name, figures in measured.items():
        bar = f"  at most {BARS[name]} crossings" if name in BARS else ""
        row = "".join(f"{value:10}" for value in figures.values())
        yield f"{name:12}{row}{bar}{'  BROKEN' if name in above else ''}"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--walk", choices=WALKS, help="print the calls of this walk, and what it crosses to")
    options = parser.parse_args(arguments)
    walks = {name: record(prepare) for name, prepare in WALKS.items()}
    measured = {name: walk.measures() for name, walk in walks.items()}
    print(f"{_PACKAGE}:", *report(measured), sep="\n")
    if options.walk is not None:
        walk = walks[options.walk]
        print("", *walk.lines(), "", "crossings by function:", *walk.tally(), sep="\n")
    return 1 if broken(measured, BARS) else 0


if __name__ == "__main__":
    sys.exit(main())
