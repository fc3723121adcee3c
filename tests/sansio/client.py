"""A second reading of the protocol: what the browser's client makes of the bytes, written without the package.

It takes the bytes one by one, as slowly as that is, so that nothing of it resembles what it is there to check.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

CR, LF, COLON, SPACE = 13, 10, 58, 32


@dataclass
class Received:
    """One event as page code sees it, and the id and the retry that came with it."""

    type: str = ""
    arguments: dict[str, str] = field(default_factory=dict)
    event_id: str | None = None
    retry_ms: int | None = None


class DatastarClient:
    """The event stream reader of the client, version 1.0."""

    def __init__(self) -> None:
        self.events: list[Received] = []
        self._line = bytearray()
        self._skip_line_feed = False
        self._message = Received()
        self._data = ""

    def feed(self, chunk: bytes) -> None:
        for byte in chunk:
            if byte == LF and self._skip_line_feed:
                self._skip_line_feed = False
                continue
            self._skip_line_feed = byte == CR
            if byte in (CR, LF):
                self._end_line(bytes(self._line))
                self._line.clear()
            else:
                self._line.append(byte)

    def _end_line(self, line: bytes) -> None:
        if not line:
            self._dispatch()
            return
        colon = line.find(COLON)
        if colon <= 0:  # no colon, or a comment
            return
        rest = line[colon + 1 :]
        value = _decode(rest[1:] if rest[:1] == b" " else rest)
        match _decode(line[:colon]):
            case "data":
                self._data = f"{self._data}\n{value}" if self._data else value
            case "event":
                self._message.type = value
            case "id":
                self._message.event_id = value
            case "retry" if not value.strip("0123456789"):
                self._message.retry_ms = int(value or "0")

    def _dispatch(self) -> None:
        message, data = self._message, self._data
        self._message, self._data = Received(), ""
        if not message.type.startswith("datastar"):
            return
        collected: dict[str, list[str]] = {}
        for line in data.split("\n") if data else ():
            at = line.find(" ")
            # JavaScript: line.slice(0, -1) and line.slice(0) when there is no space.
            collected.setdefault(line[:at], []).append(line[at + 1 :])
        message.arguments = {key: "\n".join(values) for key, values in collected.items()}
        self.events.append(message)


def _decode(value: bytes) -> str:
    return value.decode().removeprefix("\ufeff")  # as TextDecoder does, at each call


def read(chunks: Iterable[bytes]) -> list[Received]:
    """Give the events of a body that arrives in these pieces."""
    client = DatastarClient()
    for chunk in chunks:
        client.feed(chunk)
    return client.events


def cut(body: bytes, sizes: Sequence[int]) -> Iterator[bytes]:
    """Cut a body into pieces of these sizes, over and over again; no sizes: one piece."""
    start = turn = 0
    while start < len(body):
        size = sizes[turn % len(sizes)] if sizes else len(body)
        yield body[start : start + size]
        start, turn = start + size, turn + 1


def as_lines(text: str) -> str:
    """Give a text with the line ends that the client has for all three sorts of them."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
