"""Server-sent events: fields, bytes, and the checks that keep a value from becoming a second field."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .consts import EVENT_PREFIX, INHERITED_NAMES, MAX_RETRY_MS, RESERVED_ID_PREFIX

#: The text between two data lines. An event keeps its lines joined by this text, so encoding copies a patch once.
NEXT_LINE = "\ndata: "


@dataclass(frozen=True, slots=True)
class Event:
    """One event for the browser. Create events with the functions of :mod:`flask_datastar.sse`, never by hand.

    Events are compared by their fields, and the same event can be sent any number of times.
    """

    #: The event's name, which starts with ``datastar``.
    type: str
    #: The data lines as sent, without the first ``data:``; "" for an event without data.
    wire_data: str
    #: The id that the client sends back in ``Last-Event-ID``; "" clears the client's id, None keeps it.
    event_id: str | None = None
    #: The client's wait before it repeats the request, in milliseconds; None keeps the client's current wait.
    retry_ms: int | None = None

    @property
    def data_lines(self) -> tuple[str, ...]:
        """The data lines, each ``"<key> <value>"``."""
        return tuple(self.wire_data.split(NEXT_LINE)) if self.wire_data else ()

    @property
    def arguments(self) -> dict[str, str]:
        r"""The data lines as the client reads them: key → value, lines of one key joined by ``\n``.

        The client splits each line at its first space. In a line without a space the key lacks the last character, and
        the value is the whole line; this property does the same, so that a test sees what the browser sees.
        """
        found: dict[str, list[str]] = {}
        for line in self.data_lines:
            key, space, value = line.partition(" ")
            if not space:
                key, value = line[:-1], line
            found.setdefault(key, []).append(value)
        return {key: "\n".join(values) for key, values in found.items()}

    def encode(self) -> bytes:
        r"""Return the event's exact bytes, up to and including the empty line at its end.

        The fields are in the order event, id, retry, data (Datastar SDK specification).

        :return: UTF-8 bytes.

        >>> Event("datastar-patch-signals", 'signals {"count":1}', retry_ms=2000).encode()
        b'event: datastar-patch-signals\nretry: 2000\ndata: signals {"count":1}\n\n'
        """
        if self.event_id is None and self.retry_ms is None and self.wire_data:
            return f"event: {self.type}\ndata: {self.wire_data}\n\n".encode()
        text = f"event: {self.type}\n"
        if self.event_id is not None:
            text += f"id: {self.event_id}\n"
        if self.retry_ms is not None:
            text += f"retry: {self.retry_ms}\n"
        if self.wire_data:
            text += f"data: {self.wire_data}\n"
        return f"{text}\n".encode()


def make_event(event_type: str, wire_data: str, event_id: str | None, retry_ms: int | None) -> Event:
    """Create an event from checked data, after a check of id and retry.

    :raises ValueError: if the id is not printable ASCII, has a space at either end or the reserved prefix ``ds:``, or
        if the retry is longer than a browser timer allows, or negative.
    :raises TypeError: if the id or the retry has the wrong type.
    """
    if event_id is not None:
        check_event_id(event_id)
    if retry_ms is not None:
        check_retry_ms(retry_ms)
    return Event(event_type, wire_data, event_id, retry_ms)


def raw(
    event_type: str, data_lines: Iterable[str] = (), *, event_id: str | None = None, retry_ms: int | None = None
) -> Event:
    """Create an event from its name and its data lines.

    :param event_type: the event's name, which starts with ``datastar``; the client drops all other events.
    :param data_lines: each ``"<key> <value>"`` without a line break; the value may be empty.
    :param event_id: printable ASCII; "" clears the client's last event id.
    :param retry_ms: the client's wait before a retry, in milliseconds, 0 or more.
    :raises ValueError: if the name, a line, the id or the retry cannot be sent as one event.
    :raises TypeError: if ``data_lines`` is a string, or an item of it is not a string.
    """
    check_event_type(event_type)
    if isinstance(data_lines, str):
        raise TypeError(f"data_lines is the string {shorten(data_lines)}; give a list of lines")
    lines = list(data_lines)
    for line in lines:
        check_single_line(line, "data line")
        key, space, _ = line.partition(" ")
        if not space:
            raise ValueError(
                f"data line {shorten(line)} has no space: the client reads '<key> <value>'; keep the space after the "
                "key of an empty value"
            )
        check_data_key(key)
    return make_event(event_type, NEXT_LINE.join(lines), event_id, retry_ms)


def wire_lines(key: str, text: str) -> str:
    r"""Return data lines with a text under a key, a data line for each line of the text.

    Lines end at CRLF, CR and LF only, as in the client; U+2028, U+0085, form feed and vertical tab are ordinary
    characters. An empty line keeps the space after its key, because the client needs it to find the key.

    >>> wire_lines("elements", "<p>\r\n</p>")
    'elements <p>\ndata: elements </p>'
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\n" in text:
        text = text.replace("\n", f"{NEXT_LINE}{key} ")
    return f"{key} {text}"


def join_data(*parts: str) -> str:
    """Join results of :func:`wire_lines`, without empty texts."""
    return NEXT_LINE.join(part for part in parts if part)


def check_event_type(event_type: str) -> None:
    """Refuse a name that the client would drop, or that would break the line."""
    check_single_line(event_type, "event type")
    if not event_type.startswith(EVENT_PREFIX) or " " in event_type:
        raise ValueError(
            f"event type {shorten(event_type)} is dropped by the client; accepted: names that start with "
            f"'{EVENT_PREFIX}' and have no space"
        )


def check_data_key(key: str) -> None:
    """Refuse a key under which the client cannot collect lines.

    The client collects lines in a plain object: at an inherited name it fails, and repeats the request again and again.
    Its decoder drops a byte order mark at the start of a line (``actions/fetch.ts``).
    """
    if key in INHERITED_NAMES:
        raise ValueError(f"data key {shorten(key)} breaks the client: every object there has it; choose another key")
    if key.startswith("\ufeff"):
        raise ValueError(f"data key {shorten(key)} starts with a byte order mark, which the client drops; leave it out")


def check_event_id(event_id: str) -> None:
    """Refuse an id that the client cannot send back in the header ``Last-Event-ID``.

    With a character above U+00FF every retry fails inside the browser, without a request (``actions/fetch.ts``).
    """
    if not isinstance(event_id, str):
        raise TypeError(f"event_id is {type(event_id).__name__}; accepted: str")
    if event_id.startswith(RESERVED_ID_PREFIX):
        raise ValueError(f"event_id {shorten(event_id)} starts with '{RESERVED_ID_PREFIX}', which is reserved")
    if event_id and not (event_id.isascii() and event_id.isprintable()):
        raise ValueError(f"event_id {shorten(event_id)} is not printable ASCII, so a header cannot carry it back")
    if event_id.strip(" ") != event_id:
        raise ValueError(f"event_id {shorten(event_id)} has a space at an end, which a header loses")


def check_retry_ms(retry_ms: int) -> None:
    """Refuse a value that is not a whole number of milliseconds within the range of a browser timer."""
    if not isinstance(retry_ms, int) or isinstance(retry_ms, bool):
        raise TypeError(f"retry_ms is {type(retry_ms).__name__}; accepted: int, in milliseconds")
    if not 0 <= retry_ms <= MAX_RETRY_MS:
        raise ValueError(f"retry_ms is {retry_ms}; accepted: 0 to {MAX_RETRY_MS} milliseconds")


def check_single_line(value: str, what: str) -> None:
    """Refuse a value that would end its line, and so could add a field or a whole event."""
    if not isinstance(value, str):
        raise TypeError(f"{what} is {type(value).__name__}; accepted: str")
    if "\n" in value or "\r" in value or "\0" in value:
        raise ValueError(f"{what} {shorten(value)} contains a line break or NUL")
    check_text(value, what)


def check_text(text: str, what: str) -> None:
    """Refuse a text with lone surrogates, which UTF-8 cannot carry."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise ValueError(
                f"{what} contains the lone surrogate U+{ord(text[error.start]):04X} at {error.start}, which UTF-8 "
                "cannot carry"
            ) from None


def shorten(value: object) -> str:
    """Return the repr of a value for an error text, cut to 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
