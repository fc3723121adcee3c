"""The checks of every fuzz: statuses of 500 and more, inputs that take long, and fields that came from an input."""

from __future__ import annotations

import argparse
import faulthandler
import logging
import random
import re
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterable
from typing import Any

from flask import Flask, got_request_exception

from tests.soak.fuzz_making import Sent
from tests.soak.fuzz_texts import MARK

SLOW_SECONDS = 1.0
#: After so long all stacks are printed, and the run ends: something waits forever.
STUCK_SECONDS = 30
#: Failures of one kind that are printed.
_SHOWN = 5

_EVENTS = frozenset(
    {
        *["datastar-patch-signals", "datastar-patch-elements", "datastar-stream-opened", "datastar-stream-ending"],
        # The fuzzed application's own.
        *["datastar-noted"],
        *["datastar-csrf-renewed"],
    }
)
# The keys of data whose text may come from an input, and the others.
_FREE_KEYS = frozenset({"signals", "elements", "note"})
_KEYS = frozenset(
    {
        *["onlyIfMissing", "selector", "mode", "namespace", "useViewTransition", "viewTransitionSelector"],
        *["reason", "retry"],
    }
)
# Markup that an escaped text cannot have, as it stands in a patch, in a script or in an attribute.
_RAW = re.compile(r"""<script>evil|<img src=x|onclick=["']evil""")
_APPLICATIONS = ("tests.soak.fuzz_app", "tests.soak.fuzz_stream_app")
# Functions of the package around others' own, in which nothing else happens.
_WRAPPERS = frozenset({"renew_or_handle", "note_and_handle"})
_ID = re.compile(r"[\x20-\x7e]*")
_RESTART = re.compile(r"^ds:restart:\d+:")
# The page whose stream took the place of this one: its name is an input, but has no other characters.
_REPLACED = re.compile(r"ds:replaced:[A-Za-z0-9_.-]*")
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]+")
# The client ends a line at these three alone.
_LINE_END = re.compile(r"\r\n|\r|\n")


def injected_headers(headers: Iterable[tuple[str, str]]) -> str:
    """Return what a response's headers have that came from an input; "" for nothing."""
    for name, value in headers:
        if not _HEADER_NAME.fullmatch(name) or MARK in name.lower():
            return f"header {name!r}"
        if re.search(r"[\r\n\0]", value):
            return f"header {name}: {value!r}"
    return ""


def injected_fields(body: bytes, own_id: str = "") -> str:
    """Return what a body of events has that came from an input, besides the data of an event; "" for nothing.

    :param own_id: the ``Last-Event-ID`` of the request. The client gets the application's part of it back: alone, when
        another request of the page has changed it, and in the ending of a stream.
    """
    for line in _LINE_END.split(body.decode("utf-8", "surrogatepass")):
        field, colon, value = line.partition(":")
        value = value.removeprefix(" ")
        is_right = {
            "": not line or (colon and MARK not in value),
            "event": value in _EVENTS,
            "data": _is_data(*value.split(" ", 1)),
            "id": _is_id(value, own_id),
            "retry": value.isascii() and value.isdecimal(),
        }.get(field, False)
        if not is_right:
            return f"line {line[:200]!r}"
    return ""


def is_of_package(error: BaseException) -> bool:
    """Return whether an exception comes out of the package, not from the application or an extension beside it.

    What the package calls, such as a model's class, counts as the package.
    """
    last = ""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        name = str(frame.f_globals.get("__name__"))
        if name.startswith(("flask_datastar.", *_APPLICATIONS)) and frame.f_code.co_name not in _WRAPPERS:
            last = name
    return last.startswith("flask_datastar.")


def describe(error: BaseException | None) -> str:
    """Return an exception with the places that it went through last."""
    if error is None:
        return "no exception"
    places = [f"{frame.f_code.co_filename[-40:]}:{line}" for frame, line in traceback.walk_tb(error.__traceback__)]
    return f"{error!r} at {' > '.join(places[-4:])}"


def _is_id(value: str, own_id: str) -> bool:
    if not _ID.fullmatch(value):
        return False
    # The fuzzed application makes ids of inputs itself, behind this prefix.
    own = _RESTART.sub("", value)
    return MARK not in value or bool(_REPLACED.fullmatch(value)) or own.startswith("row-") or own_id.endswith(own)


def _is_data(key: str, text: str = "") -> bool:
    if key == "elements":
        return not _RAW.search(text)
    return key in _FREE_KEYS or (key in _KEYS and MARK not in text)


class Watch:
    """The figures of one fuzz, and its failures, each with what repeats it.

    :param what: the name of the fuzz, as it is called on the command line.
    """

    def __init__(self, what: str, seed: int) -> None:
        self._what = what
        self._seed = seed
        self.seen: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.slowest = 0.0
        self.slowest_number = 0
        self._errors: list[BaseException] = []

    def note_errors(self, app: Flask) -> None:
        """Keep what an app's views raise, which Flask makes a 500 of."""

        def note(sender: Flask, exception: BaseException, **_: Any) -> None:
            self._errors.append(exception)

        got_request_exception.connect(note, app, weak=False)

    def take_error(self) -> BaseException | None:
        """Return the exception of the last request."""
        error = self._errors[-1] if self._errors else None
        self._errors.clear()
        return error

    def fail(self, kind: str, number: int, detail: object) -> None:
        """Count a failure; the first of a kind are printed with what repeats them."""
        self.failed[kind] += 1
        if self.failed[kind] <= _SHOWN:
            print(f"FAILED {kind}: {str(detail)[:1500]}")
            print(f"  again: python -m tests.soak.{self._what} --seed {self._seed} --only {number}", flush=True)

    def check_response(self, number: int, status: int, headers: list[tuple[str, str]], body: bytes, sent: Sent) -> None:
        """Check a response; of a stream, as far as it was read."""
        error = self.take_error()
        self.seen[str(status)] += 1
        if error is not None and not is_of_package(error):
            self.seen["raised by others"] += 1
        elif error is not None or status >= 500:
            self.fail(f"status {status}", number, f"{describe(error)} for {sent}")
        if found := injected_headers(headers):
            self.fail("injected", number, f"{found} by {sent}")
        content_type = next((value for name, value in headers if name.lower() == "content-type"), "")
        own_id = sent.headers.get("Last-Event-ID", "")
        if content_type.startswith("text/event-stream") and (found := injected_fields(body, own_id)):
            self.fail("injected", number, f"{found} by {sent}")
        if content_type.startswith("text/html") and (raw := _RAW.search(body.decode("utf-8", "replace"))):
            self.fail("injected", number, f"{raw[0]!r} by {sent}")

    def summary(self) -> str:
        """Return one line about everything that was seen."""
        figures = ", ".join(f"{count:,} {what}" for what, count in sorted(self.seen.items()))
        failures = ", ".join(f"{count:,} {what}" for what, count in sorted(self.failed.items())) or "nothing"
        slowest = f"the slowest, number {self.slowest_number}, took {self.slowest * 1000:.0f} ms"
        return f"{self._what} of seed {self._seed}: {figures}; {slowest}; failed: {failures}"


class Timer:
    """Measures one input; one that seems to take long is tried again, because the machine may be busy."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def run(self, number: int, send: Any) -> None:
        """Call ``send``, and fail if it takes longer than a second twice."""
        faulthandler.dump_traceback_later(STUCK_SECONDS, exit=True)
        took = self._measure(send)
        if took > SLOW_SECONDS:
            took = min(took, self._measure(send))
        if took > self._watch.slowest:
            self._watch.slowest, self._watch.slowest_number = took, number
        if took > SLOW_SECONDS:
            self._watch.fail("slow", number, f"{took:.1f} s")
        faulthandler.cancel_dump_traceback_later()

    def _measure(self, send: Any) -> float:
        start = time.monotonic()
        send()
        return time.monotonic() - start


def read_options(doc: str | None, count: int) -> argparse.Namespace:
    """Read the command line; the logs of the fuzzed application are switched off."""
    parser = argparse.ArgumentParser(description=(doc or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=count, help=f"of inputs ({count:,})")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000), help="a number; by default by chance")
    parser.add_argument("--only", type=int, default=None, help="the number of one input, which is sent alone")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    return options


def numbers(options: argparse.Namespace) -> Iterable[int]:
    """Return the numbers of the inputs to send."""
    return range(options.count) if options.only is None else [options.only]


def chance_of(seed: int, number: int) -> random.Random:
    """Return what chooses one input, the same for the same numbers."""
    return random.Random(seed * 1_000_003 + number)


def finish(watch: Watch) -> int:
    """Print the summary, and return the exit status."""
    print(watch.summary())
    sys.stdout.flush()
    return 1 if watch.failed else 0
