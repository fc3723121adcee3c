"""How a stream ends: what its last event id says, which is all that the client brings back from it.

Nothing is kept on the server for an ended stream, so what the next request has to be told stands in the id.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from .consts import RESERVED_ID_PREFIX
from .events import check_event_id

#: When a worker stops, no page comes back sooner: the next worker has to be there.
FIRST_RESTART_MS: Final = 1500

#: The longest wait after exceptions, before the jitter.
MAX_BACKOFF_MS: Final = 60_000

# Two digits say more than enough: from the sixth failure on the wait is the longest one.
_MAX_FAILURES = 99
_PAGE = re.compile(r"[A-Za-z0-9_.-]{0,128}", re.ASCII)
_FAILURES = re.compile(r"[0-9]{1,2}", re.ASCII)


class EndingKind(StrEnum):
    """What the client is told of an ending."""

    #: There is no more to come: the request that brings it back is answered 204.
    DONE = "done"
    #: A newer stream of the same tab took its place.
    REPLACED = "replaced"
    #: The client is to come back and go on.
    RESTART = "restart"


@dataclass(frozen=True, slots=True)
class Ending:
    """One ending: what the last event id of a stream says."""

    kind: EndingKind
    #: The page part of the stream that took the place (replaced); "" when that had none.
    page: str = ""
    #: Exceptions in a row that ended the stream (restart); 0 for any other cause.
    failures: int = 0
    #: The last id that the application itself had sent (restart); "" for none.
    last_id: str = ""

    def encode_id(self) -> str:
        """Write the event id.

        It never fails, since it is a stream's last word: a page or an id that no header can carry is left out.

        :return: printable ASCII.

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
    """Read the event id that a client brought back.

    :param event_id: the header ``Last-Event-ID`` as it came; None when there was none.
    :return: None for an id of the application; for a damaged one a restart, after which the page lives.

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
    r"""Write an ending as an event without data, which the client takes no other notice of.

    :param retry_ms: what the client waits before it comes back, in milliseconds; None leaves what it has.

    >>> ending_block(Ending(EndingKind.RESTART), 1500)
    b'id: ds:restart:0:\nretry: 1500\n\n'
    """
    retry = "" if retry_ms is None else f"retry: {retry_ms}\n"
    return f"id: {ending.encode_id()}\n{retry}\n".encode()


def restart_delay_ms(failures: int, spread_seconds: float, random: Callable[[], float]) -> int:
    """Choose how long a client waits before it comes back.

    :param failures: exceptions in a row; 0 when the worker stops, which all its clients notice at the same moment.
    :param spread_seconds: over how long the clients of a stopping worker are spread.
    :param random: gives a number from 0 to below 1.
    :return: milliseconds.
    """
    if failures > 0:
        wait = min(1000 << min(failures, _MAX_FAILURES), MAX_BACKOFF_MS)
        return round(wait + random() * wait / 4)
    return round(FIRST_RESTART_MS + random() * max(spread_seconds * 1000 - FIRST_RESTART_MS, 0))


def _application_id(event_id: str) -> str:
    """Give an id as the application may get it back, "" for one that it cannot have sent."""
    try:
        check_event_id(event_id)
    except ValueError:
        return ""
    return event_id
