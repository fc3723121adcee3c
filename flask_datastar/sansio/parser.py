"""A parser of server-sent events that reads as the Datastar client does, for tests and for clients in Python."""

from __future__ import annotations

import codecs
import re

from .decoding import BodyDecoder
from .events import NEXT_LINE, Event

_DIGITS = re.compile(r"[0-9]{0,15}")
_NOTHING = Event("", "")


class EventParser:
    """Parse a stream as it arrives, in pieces of any size.

    LF, CRLF and a lone CR end a line, even if a piece ends between CR and LF. Comments and unknown fields are skipped.
    An event is returned only after the empty line at its end (client, ``actions/fetch.ts``).

    :param content_encoding: the value of the response's ``Content-Encoding``, gzip or zstd; None if the pieces are the
        text itself. HTTP clients often undo the coding themselves, and keep the header.
    :raises ValueError: if the coding is another one, or zstd without Python 3.14 or the extra ``zstd``.
    """

    def __init__(self, content_encoding: str | None = None) -> None:
        self._body = BodyDecoder(content_encoding)
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._rest = ""
        self._after_cr = False
        #: The comments (lines that start with a colon) seen so far, such as keep-alives.
        self.comments: list[str] = []
        self._reset()

    def feed(self, chunk: bytes) -> list[Event]:
        """Parse the next piece.

        :param chunk: UTF-8 bytes, compressed if the parser has a content coding, which may be split anywhere.
        :return: the events that the piece completed.
        :raises UnicodeDecodeError: if the piece is not UTF-8 (a :exc:`ValueError`).
        :raises ValueError: if the piece is not of the content coding.
        """
        text = self._decoder.decode(self._body.decode(chunk))
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
            # The client drops empty data lines at the start of an event.
            if value or self._lines:
                self._lines.append(value)
        elif name == "event":
            self._type = value
        elif name == "id":
            self._id = value
        elif name == "retry" and _DIGITS.fullmatch(value):
            # In the client, Number("") is 0.
            self._retry = int(value or "0")


def parse_events(body: bytes, content_encoding: str | None = None) -> list[Event]:
    r"""Parse a whole body.

    :param body: UTF-8 bytes, compressed if there is a content coding.
    :param content_encoding: as in :class:`EventParser`.
    :return: the events in order, including events whose name the client would drop.

    >>> [event.arguments for event in parse_events(b"event: datastar-x\ndata: a 1\ndata: a 2\n\n")]
    [{'a': '1\n2'}]
    """
    return EventParser(content_encoding).feed(body)
