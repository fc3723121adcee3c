"""Server-sent events read back as the Datastar client reads them: for tests and for clients without a browser."""

from __future__ import annotations

import codecs
import re

from .events import NEXT_LINE, Event

_DIGITS = re.compile(r"[0-9]{0,15}")
_NOTHING = Event("", "")


class EventParser:
    """Take a stream apart as it arrives, in pieces of any size.

    LF, CRLF and a lone CR end a line, also when a piece ends between CR and LF. Comments and unknown fields are passed
    over; an event without its closing empty line is not given out (client, ``actions/fetch.ts``).
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._rest = ""
        self._after_cr = False
        #: The comments (lines that begin with a colon) seen so far: keep-alives and the like.
        self.comments: list[str] = []
        self._reset()

    def feed(self, chunk: bytes) -> list[Event]:
        """Read the next piece.

        :param chunk: UTF-8, cut anywhere.
        :return: the events that it completed.
        :raises UnicodeDecodeError: it is not UTF-8 (a :exc:`ValueError`).
        """
        text = self._decoder.decode(chunk)
        if self._after_cr and text:
            text = text.removeprefix("\n")
            self._after_cr = False
        if text.endswith("\r"):
            self._after_cr = True
        *lines, self._rest = (self._rest + text).replace("\r\n", "\n").replace("\r", "\n").split("\n")
        found = []
        for line in lines:
            if line:
                self._read_line(line)
            else:
                event = Event(self._type, NEXT_LINE.join(self._lines), self._id, self._retry)
                if event != _NOTHING:
                    found.append(event)
                self._reset()
        return found

    def _reset(self) -> None:
        self._type = ""
        self._lines: list[str] = []
        self._id: str | None = None
        self._retry: int | None = None

    def _read_line(self, line: str) -> None:
        name, colon, value = line.partition(":")
        if not name:
            self.comments.append(value.removeprefix(" "))
            return
        if not colon:
            return
        value = value.removeprefix(" ")
        if name == "data":
            # An empty line before all others is lost in the client.
            if value or self._lines:
                self._lines.append(value)
        elif name == "event":
            self._type = value
        elif name == "id":
            self._id = value
        elif name == "retry" and _DIGITS.fullmatch(value):
            # The client's Number("") is 0.
            self._retry = int(value or "0")


def parse_events(body: bytes) -> list[Event]:
    r"""Read a whole body.

    :param body: UTF-8.
    :return: its events, in order, those with names that the client drops included.

    >>> [event.arguments for event in parse_events(b"event: datastar-x\ndata: a 1\ndata: a 2\n\n")]
    [{'a': '1\n2'}]
    """
    return EventParser().feed(body)
