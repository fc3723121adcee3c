"""The endings of streams, as last event ids that the client sends back.

The server keeps nothing of a stream that has ended, so the id carries everything that the next request needs.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from .consts import RESERVED_ID_PREFIX
from .events import check_event_id

#: The shortest wait of a page after its worker stopped; the next worker needs this time to start.
FIRST_RESTART_MS: Final = 1500

#: The longest wait after exceptions, before the jitter.
MAX_BACKOFF_MS: Final = 60_000

# Two digits are more than enough: the wait reaches its maximum at the sixth failure.
_MAX_FAILURES = 99
_PAGE = re.compile(r"[A-Za-z0-9_.-]{0,128}", re.ASCII)
_FAILURES = re.compile(r"[0-9]{1,2}", re.ASCII)


class EndingKind(StrEnum):
    """The kind of an ending, as the client is told it."""

    #: The stream is complete; the server responds with 204 to a request that brings this reason back.
    DONE = "done"
    #: A newer stream of the same tab replaced the stream.
    REPLACED = "replaced"
    #: The client should open the stream again.
    RESTART = "restart"


@dataclass(frozen=True, slots=True)
class Ending:
    """One ending: the content of a stream's last event id."""

    kind: EndingKind
    #: The page part of the newer stream's tab id (replaced); "" for a stream without a tab id.
    page: str = ""
    #: Exceptions in a row that ended the stream (restart); 0 for any other cause.
    failures: int = 0
    #: The last event id that the application itself sent (restart); "" if it sent no id.
    last_id: str = ""

    def encode_id(self) -> str:
        """Return the event id.

        A page or an id that a header cannot carry is left out instead of raising, so that a stream can always end.

        :return: printable ASCII text.

        >>> Ending(EndingKind.RESTART, failures=2, last_id="row-7").encode_id()
        'ds:restart:2:row-7'
        """
        if self.kind is EndingKind.REPLACED:
            return f"{RESERVED_ID_PREFIX}{self.kind}:{self.page if _PAGE.fullmatch(self.page) else ''}"
        if self.kind is EndingKind.RESTART:
            failures = min(max(self.failures, 0), _MAX_FAILURES)
            return f"{RESERVED_ID_PREFIX}{self.kind}:{failures}:{_application_id(self.last_id)}"
        return f"{RESERVED_ID_PREFIX}{self.kind}"


def parse_ending(event_id: str | None) -> Ending | None:
    """Parse the event id that a client sent back.

    :param event_id: the value of the header ``Last-Event-ID``; None if the request had no such header.
    :return: the ending, or None for an id of the application. A damaged id is parsed as a restart, so that the page
        gets a stream.

    >>> parse_ending("ds:replaced:p4")
    Ending(kind=<EndingKind.REPLACED: 'replaced'>, page='p4', failures=0, last_id='')
    """
    if event_id is None or not event_id.startswith(RESERVED_ID_PREFIX):
        return None
    name, _, rest = event_id.removeprefix(RESERVED_ID_PREFIX).partition(":")
    if event_id == f"{RESERVED_ID_PREFIX}{EndingKind.DONE}":
        return Ending(EndingKind.DONE)
    if name == EndingKind.REPLACED and _PAGE.fullmatch(rest):
        return Ending(EndingKind.REPLACED, page=rest)
    failures, _, last_id = rest.partition(":")
    if name == EndingKind.RESTART and _FAILURES.fullmatch(failures):
        return Ending(EndingKind.RESTART, failures=int(failures), last_id=_application_id(last_id))
    return Ending(EndingKind.RESTART)


def ending_block(ending: Ending, retry_ms: int | None) -> bytes:
    r"""Encode an ending as an event without data, of which the client keeps only the id and the retry.

    :param retry_ms: the client's wait before it comes back, in milliseconds; None keeps the client's current wait.

    >>> ending_block(Ending(EndingKind.RESTART), 1500)
    b'id: ds:restart:0:\nretry: 1500\n\n'
    """
    retry = "" if retry_ms is None else f"retry: {retry_ms}\n"
    return f"id: {ending.encode_id()}\n{retry}\n".encode()


def restart_delay_ms(failures: int, spread_seconds: float, random: Callable[[], float]) -> int:
    """Choose the wait of a client before it comes back.

    :param failures: exceptions in a row; 0 when the worker stops, which ends the streams of all its clients at once.
    :param spread_seconds: the period over which the clients of a stopping worker come back.
    :param random: returns a number from 0 up to, but not including, 1.
    :return: the wait in milliseconds.
    """
    if failures > 0:
        wait = min(1000 << min(failures, _MAX_FAILURES), MAX_BACKOFF_MS)
        return round(wait + random() * wait / 4)
    return round(FIRST_RESTART_MS + random() * max(spread_seconds * 1000 - FIRST_RESTART_MS, 0))


def _application_id(event_id: str) -> str:
    """Return an id that the application may have sent; "" for any other id."""
    try:
        check_event_id(event_id)
    except ValueError:
        return ""
    return event_id
