"""The messages of processes about their tabs. Each is checked, because others may be able to write to the broker."""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import isfinite
from typing import Any

from ..brokers.payload import Payload
from ..hooks import Reason

#: The reasons with which ``tabs.close`` ends streams.
_CLOSING = frozenset({Reason.DONE, Reason.RESTART})


@dataclass(frozen=True, slots=True)
class Opened:
    """The announcement of a stream."""

    #: The stream's name among all processes, and the number of the announcement.
    key: str
    number: int
    scope: str
    tab: str
    page: str | None
    url: str
    opened_at: float
    #: Whether this repeats an announcement, after an outage or after that of an older stream.
    is_again: bool
    #: The number of its request; None without one, as from a process with an older version.
    sequence: int | None = None

    def encode(self) -> Payload:
        """Return the message as a payload."""
        message = {
            "opened": self.key,
            "number": self.number,
            "scope": self.scope,
            "tab": self.tab,
            "page": self.page,
            "url": self.url,
            "at": self.opened_at,
            "again": self.is_again,
        }
        return _payload(message if self.sequence is None else {**message, "sequence": self.sequence})


@dataclass(frozen=True, slots=True)
class Beside:
    """A notice for a stream: its page has streams in another process, which has to know when this one ends."""

    key: str
    scope: str
    tab: str
    #: Marks of the newest events for the page that came to the other stream before the announcement.
    marks: bytes = b""

    def encode(self) -> Payload:
        """Return the message as a payload."""
        notice = {"beside": self.key, "scope": self.scope, "tab": self.tab}
        return _payload({**notice, "marks": self.marks.hex()} if self.marks else notice)


@dataclass(frozen=True, slots=True)
class Gone:
    """The end of a stream whose page has streams in other processes."""

    key: str
    scope: str
    tab: str

    def encode(self) -> Payload:
        """Return the message as a payload."""
        return _payload({"gone": self.key, "scope": self.scope, "tab": self.tab})


@dataclass(frozen=True, slots=True)
class Closed:
    """The order to end the streams of a scope, or of one of its tabs."""

    process: str
    scope: str
    tab: str | None
    reason: Reason
    #: For an order that is repeated after an outage: streams that were opened after this time stay.
    before: float | None = None
    #: The number of the order among the requests: streams of later requests stay. None without one.
    sequence: int | None = None

    def encode(self) -> Payload:
        """Return the message as a payload."""
        order = {"close": self.process, "scope": self.scope, "tab": self.tab, "reason": self.reason}
        bounds = {"before": self.before, "sequence": self.sequence}
        return _payload({**order, **{name: bound for name, bound in bounds.items() if bound is not None}})


@dataclass(frozen=True, slots=True)
class Wanted:
    """The question for the live stream of a page, which is to send its last id again."""

    question: str
    scope: str
    tab: str
    page: str | None
    url: str

    def encode(self) -> Payload:
        """Return the message as a payload."""
        place = {"scope": self.scope, "tab": self.tab, "page": self.page, "url": self.url}
        return _payload({"wanted": self.question, **place})


@dataclass(frozen=True, slots=True)
class Found:
    """The answer of the process that has the wanted stream."""

    question: str

    def encode(self) -> Payload:
        """Return the message as a payload."""
        return _payload({"found": self.question})


def decode(data: bytes) -> Opened | Beside | Gone | Closed | Wanted | Found:
    """Decode a message.

    :raises ValueError: if the data is not one of these messages.
    """
    try:
        message = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ValueError("its data is not JSON") from error
    if not isinstance(message, dict):
        raise ValueError("its data is not an object")
    if "close" in message:
        reason = _take(message, "reason", str)
        if reason not in _CLOSING:
            raise ValueError("its reason is unknown")
        target = _take(message, "close", str), _scope(message), _take(message, "tab", str, None)
        before = _time(message, "before") if "before" in message else None
        return Closed(*target, Reason(reason), before, _sequence(message))
    if "found" in message:
        return Found(_take(message, "found", str))
    scope, tab = _scope(message), _take(message, "tab", str)
    if "beside" in message:
        return Beside(_take(message, "beside", str), scope, tab, _marks(message))
    if "gone" in message:
        return Gone(_take(message, "gone", str), scope, tab)
    place = scope, tab, _take(message, "page", str, None), _take(message, "url", str)
    if "wanted" in message:
        return Wanted(_take(message, "wanted", str), *place)
    key, number = _take(message, "opened", str), _take(message, "number", int)
    return Opened(key, number, *place, _time(message, "at"), _take(message, "again", bool), _sequence(message))


def _take(message: dict[str, Any], name: str, *kinds: type | None) -> Any:
    """Return a field, whose type has to be one of these; a bool does not count as an int."""
    value = message.get(name, ...)
    if not any(value is None if kind is None else type(value) is kind for kind in kinds):
        raise ValueError(f"its field {name!r} is missing or has the wrong type")
    return value


def _scope(message: dict[str, Any]) -> str:
    scope: str = _take(message, "scope", str)
    if not scope:
        raise ValueError("its scope is empty")
    return scope


def _sequence(message: dict[str, Any]) -> int | None:
    found: int | None = _take(message, "sequence", int) if "sequence" in message else None
    return found


def _marks(message: dict[str, Any]) -> bytes:
    if "marks" not in message:
        return b""
    try:
        return bytes.fromhex(_take(message, "marks", str))
    except ValueError:
        raise ValueError("its field 'marks' is not hexadecimal") from None


def _time(message: dict[str, Any], name: str) -> float:
    value = _take(message, name, float, int)
    try:
        found = float(value)
    except OverflowError:
        found = float("inf")
    if not isfinite(found):
        raise ValueError("its time is infinite")
    return found


def _payload(message: dict[str, Any]) -> Payload:
    return Payload(json.dumps(message, separators=(",", ":")).encode())
