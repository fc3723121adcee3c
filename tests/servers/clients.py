"""Clients over raw sockets, strict about each byte that a server sends: chunks, events, and what follows the end."""

from __future__ import annotations

import json
import re
import socket
import struct
import time
from urllib.parse import urlencode

from tests.support.decoding import Decoded

_CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,8}")
_FIELD = re.compile(rb":.*|event: .+|id: ?.*|retry: [0-9]+|data: .*")


class Malformed(AssertionError):
    """The server sent what no client has to understand."""


class Client:
    """One request and its answer.

    :param accepted: the header ``Accept-Encoding``; None for none.
    :param query: of the URL; ``signals`` are sent as the Datastar client does.
    :param receive_buffer: bytes; a small one lets the server notice soon that nobody reads.
    """

    def __init__(
        self,
        port: int,
        path: str,
        *,
        method: str = "GET",
        version: str = "1.1",
        last_id: str | None = None,
        tab: str | None = None,
        receive_buffer: int | None = None,
        accepted: str | None = None,
        connection: socket.socket | None = None,
        **query: object,
    ) -> None:
        self.method = method
        self.version = version
        self.status = 0
        self.headers: dict[str, str] = {}
        #: The events that have come whole, as they were sent.
        self.blocks: list[bytes] = []
        #: The body as it was meant; of a stream the events are taken out of it.
        self.body = bytearray()
        #: The answer has come to its clean end.
        self.is_ended = False
        self.ended_at = 0.0
        #: How many more bytes it reads before it stops; None for all.
        self.budget: int | None = None
        self._raw = bytearray()
        self._unpack: Decoded | None = None
        self._seen = 0
        if connection is None:
            connection = socket.socket()
            if receive_buffer is not None:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
                # Where a whole segment is larger than what such a buffer has room for, one comes in 200 ms only.
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1024)
            connection.connect(("127.0.0.1", port))
        self.socket = connection
        if tab is not None:
            query["datastar"] = json.dumps({"tabId": tab})
        lines = [f"{method} {path}{'?' if query else ''}{urlencode(query)} HTTP/{version}", "Host: localhost"]
        lines += ["Datastar-Request: true", "Sec-Fetch-Site: same-origin"]
        if last_id is not None:
            lines.append(f"Last-Event-ID: {last_id}")
        if accepted is not None:
            lines.append(f"Accept-Encoding: {accepted}")
        if method == "POST":
            lines += ["Content-Length: 0"]
        self.started_at = time.monotonic()
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self.socket.setblocking(False)

    def read(self) -> None:
        """Take one piece of what is there.

        :raises Malformed: it is not well-formed, or breaks off.
        """
        size = 262_144 if self.budget is None else min(self.budget, 262_144)
        data = self.socket.recv(size)
        if self.budget is not None:
            self.budget -= len(data)
        if not data:
            self._end_of_input()
            return
        if self.is_ended:
            raise Malformed(f"bytes after the end: {data[:80]!r}")
        self._raw += data
        if not self.status and not self._take_head():
            return
        self._take_body()

    @property
    def ids(self) -> list[str]:
        """The values of all id fields so far."""
        return [line[4:].decode() for block in self.blocks for line in block.split(b"\n") if line.startswith(b"id: ")]

    @property
    def retries(self) -> list[int]:
        return [int(line[7:]) for block in self.blocks for line in block.split(b"\n") if line.startswith(b"retry: ")]

    @property
    def text(self) -> str:
        """All events so far."""
        return b"\n\n".join(self.blocks).decode()

    def leave(self, way: str = "close") -> None:
        """Go: with ``close``, with a ``reset``, or with ``half``, which keeps the own ear open."""
        if way == "half":
            self.socket.shutdown(socket.SHUT_WR)
            return
        if way == "reset":
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def took(self, block: bytes) -> None:
        """Keep an event."""
        self.blocks.append(block)

    def _end(self) -> None:
        if self._raw:
            raise Malformed(f"bytes after the end: {bytes(self._raw[:80])!r}")
        if self._unpack is not None and not self._unpack.is_whole:
            raise Malformed("the compressed body has no end")
        if self._is_stream and self.body:
            raise Malformed(f"the body ends within an event: {bytes(self.body[-80:])!r}")
        self.is_ended = True
        self.ended_at = time.monotonic()

    def _end_of_input(self) -> None:
        if self.is_ended:
            return
        is_by_closing = self.status and not self._is_chunked and "content-length" not in self.headers
        if not is_by_closing:
            raise Malformed(f"the answer breaks off: {self.status} {bytes(self._raw[-80:])!r} {self.blocks[-1:]}")
        self._end()

    def _take_head(self) -> bool:
        head, found, rest = self._raw.partition(b"\r\n\r\n")
        if not found:
            return False
        first, *lines = bytes(head).decode("latin-1").split("\r\n")
        if not re.fullmatch(r"HTTP/1\.[01] [1-5][0-9]{2} .+", first):
            raise Malformed(f"no status line: {first!r}")
        self.status = int(first.split(" ")[1])
        for line in lines:
            name, colon, value = line.partition(": ")
            if not colon or name.lower() in self.headers:
                raise Malformed(f"no header, or one twice: {line!r}")
            self.headers[name.lower()] = value
        self._raw = rest
        self._is_chunked = self.headers.get("transfer-encoding") == "chunked"
        self._is_stream = self.headers.get("content-type", "").startswith("text/event-stream")
        if self._is_chunked and ("content-length" in self.headers or self.version == "1.0"):
            raise Malformed(f"chunked, against the rules: {self.headers}")
        if (coding := self.headers.get("content-encoding")) is not None:
            self._unpack = Decoded(coding)
        if self.method == "HEAD" or self.status in (204, 304):
            self._end()
        return True

    def _take_body(self) -> None:
        if self._is_chunked:
            while not self.is_ended and self._take_chunk():
                pass
        elif not self.is_ended:
            length = self.headers.get("content-length")
            self._take_data(bytes(self._raw if length is None else self._raw[: int(length) - self._seen]))
            del self._raw[: len(self._raw) if length is None else int(length) - self._seen]
            self._seen += 0 if length is None else len(self.body)
            if length is not None and self._seen >= int(length):
                self._end()

    def _take_chunk(self) -> bool:
        """Take one chunk; False when there is no whole one yet."""
        end = self._raw.find(b"\r\n", 0, 12)
        if end < 0:
            if len(self._raw) >= 12:
                raise Malformed(f"no size of a chunk: {bytes(self._raw[:80])!r}")
            return False
        line = bytes(self._raw[:end])
        if not _CHUNK_SIZE.fullmatch(line):
            raise Malformed(f"no size of a chunk: {line!r}")
        begin, length = end + 2, int(line, 16)
        if len(self._raw) < begin + length + 2:
            return False
        if self._raw[begin + length : begin + length + 2] != b"\r\n":
            raise Malformed(f"a chunk of {length} ends with {bytes(self._raw[begin + length :][:20])!r}")
        data = bytes(self._raw[begin : begin + length])
        del self._raw[: begin + length + 2]
        if length:
            self._take_data(data)
        else:
            self._end()
        return True

    def _take_data(self, data: bytes) -> None:
        if self._unpack is not None:
            data = self._unpack.feed(data)
        begin = max(0, len(self.body) - 1)
        self.body += data
        if not self._is_stream:
            return
        while (end := self.body.find(b"\n\n", begin)) >= 0:
            block = bytes(self.body[:end])
            del self.body[: end + 2]
            begin = 0
            for line in block.split(b"\n"):
                if not _FIELD.fullmatch(line):
                    raise Malformed(f"no field of an event: {line[:80]!r}")
            self.took(block)


class BreakableClient(Client):
    """One whose server may be killed: that the answer breaks off is noted."""

    is_broken = False

    def read(self) -> None:
        """Take one piece of what is there."""
        try:
            super().read()
        except ConnectionError:
            self._end_of_input()

    def _end_of_input(self) -> None:
        if not self.is_ended:
            self.is_broken = self.is_ended = True
            self.ended_at = time.monotonic()
