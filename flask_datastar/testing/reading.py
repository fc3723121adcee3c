"""Events of a response that goes on, each with a deadline."""

from __future__ import annotations

import time
from collections.abc import Iterator

from ..sansio.events import Event
from ..sansio.parser import EventParser
from .serving import Take


def read_events(take: Take, within: float, content_encoding: str | None = None) -> Iterator[Event]:
    """Yield events as they arrive.

    :param within: seconds that each may take, counted from when it is asked for.
    :param content_encoding: the response's, if it has one.
    :raises TimeoutError: if one does not come in time; it says what came instead.
    """
    parser, count, last = EventParser(content_encoding), 0, None
    while True:
        deadline = time.monotonic() + within
        found: list[Event] = []
        while not found:
            try:
                chunk = take(deadline)
            except TimeoutError:
                raise TimeoutError(_nothing_came(within, count, last)) from None
            if chunk is None:
                return
            found = parser.feed(chunk)
        for last in found:
            count += 1
            yield last


def _nothing_came(within: float, count: int, last: Event | None) -> str:
    sent = f"it has sent {count} so far, the last one {last.type} {last.wire_data!r}" if last else "it has sent none"
    return (
        f"no event came within {within:g} s: the response is open, and {sent}; publish before you read, ask for fewer "
        "events, or give it more time (_within=…)"
    )
