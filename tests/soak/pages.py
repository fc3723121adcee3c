"""Browser pages with one stream each: raw sockets, and checks of each received byte."""

from __future__ import annotations

import json
import random
import re
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlencode

Check = Callable[[str, bool, str], object]

#: Keep-alives, the names of events, and what a stream tells its page about itself.
_OTHER_LINE = re.compile(
    r':|event: datastar-(patch-signals|stream-opened|stream-ending)|data: (reason "[a-z]+"|retry [0-9]+)'
)


class Page:
    """One page with one stream. Framing, order, completeness and addressee of everything it receives are checked."""

    def __init__(self, kind: str, topic: str, scope: str, tab: str, page: str, *, last_id: str | None = None) -> None:
        self.kind, self.topic, self.scope, self.tab, self.page = kind, topic, scope, tab, page
        self.came_with = last_id
        #: Whether the page does not read, as a slow client.
        self.is_deaf = False
        #: The page that this page replaces.
        self.replaces: Page | None = None
        #: The times of the request, of the first byte, and of the latest byte, by ``time.monotonic()``.
        self.asked_at = self.began_at = self.heard_at = 0.0
        #: The time by which the stream must have ended, if the server was told to end it.
        self.must_end_by: float | None = None
        self.status = 0
        self.last_id = ""
        self.retry: int | None = None
        self.pid: int | None = None
        self.is_ended = False
        #: The last number of its topic, from a message or a state, and of the messages to its scope.
        self.number: int | None = None
        self.told = 0
        self._state = -1
        self._raw = bytearray()
        self._body = bytearray()
        self._has_last_chunk = False

    @property
    def is_cut(self) -> bool:
        """Whether a body ended without its last chunk."""
        return self.is_ended and self.status == 200 and not self._has_last_chunk

    def open(self, port: int, method: str = "GET") -> None:
        """Connect and request the stream."""
        self.socket = socket.socket()
        if self.is_deaf:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        try:
            self.socket.connect(("127.0.0.1", port))
            signals = json.dumps({"tabId": f"{self.tab}.{self.page}"})
            query = urlencode({"topic": self.topic, "scope": self.scope, "datastar": signals})
            identity = f"Last-Event-ID: {self.came_with}\r\n" if self.came_with else ""
            self.socket.sendall(
                f"{method} /ds/soak/{self.kind}?{query} HTTP/1.1\r\nHost: localhost\r\nDatastar-Request: true\r\n"
                f"Accept: text/event-stream\r\n{identity}\r\n".encode()
            )
        except OSError:
            self.socket.close()
            raise
        self.socket.setblocking(False)
        self.asked_at = self.heard_at = time.monotonic()

    def leave(self) -> None:
        """Close the connection, in one of the ways of browsers and networks."""
        way = random.random()
        if way < 0.3:
            # Sends a reset.
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif way < 0.5:
            # Sends bytes of a next request before the end.
            with suppress(OSError):
                self.socket.send(b"GET /figu")
        self.socket.close()

    def read(self, check: Check) -> None:
        """Read everything that has arrived, and check it."""
        while not self.is_ended:
            try:
                data = self.socket.recv(65536)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self.is_ended = True
                return
            self.heard_at = time.monotonic()
            self._raw += data
            self._parse(check)

    def _parse(self, check: Check) -> None:
        if not self.status:
            head, found, rest = self._raw.partition(b"\r\n\r\n")
            if not found:
                return
            self._raw = rest
            self.began_at = time.monotonic()
            self.status = int(head.split(b" ", 2)[1])
            if self.status == 200:
                check("a stream is chunked", b"chunked" in head.lower(), repr(bytes(head)))
            else:
                self.is_ended = True
                return
        while not self.is_ended and self._take_chunk(check):
            self._events(check)
        if self._has_last_chunk:
            self.is_ended = True
            check("nothing comes after the end", not self._raw, repr(bytes(self._raw[:80])))
            check("an ended body has whole events", not self._body, repr(bytes(self._body[:80])))

    def _take_chunk(self, check: Check) -> bool:
        """Move one chunk into the body.

        :return: False if no whole chunk has arrived, or it was the last.
        """
        size, found, rest = self._raw.partition(b"\r\n")
        if not found or self._has_last_chunk:
            # A size is shorter than 16 characters, so longer text is not a size.
            check("chunks are well-formed", len(size) < 16, repr(bytes(size[:80])))
            return False
        try:
            length = int(size, 16)
        except ValueError:
            check("chunks are well-formed", False, repr(bytes(size[:80])))
            self.is_ended = True
            return False
        if len(rest) < length + 2:
            return False
        check("chunks are well-formed", rest[length : length + 2] == b"\r\n", repr(bytes(rest[length : length + 20])))
        self._raw = rest[length + 2 :]
        self._body += rest[:length]
        self._has_last_chunk = length == 0
        return not self._has_last_chunk

    def _events(self, check: Check) -> None:
        while True:
            block, found, rest = self._body.partition(b"\n\n")
            if not found:
                return
            self._body = rest
            for line in bytes(block).decode().split("\n"):
                name, _, value = line.partition(": ")
                if name == "id":
                    self.last_id = value
                elif name == "retry":
                    self.retry = int(value)
                elif name == "data" and value.startswith("signals "):
                    self._signals(json.loads(value.removeprefix("signals ")), check)
                else:
                    check("lines are fields", _OTHER_LINE.fullmatch(line) is not None, repr(line[:80]))

    def _signals(self, signals: dict[str, object], check: Check) -> None:
        if "from" in signals:
            self.number, self.pid = int(str(signals["from"])), int(str(signals["pid"]))
        if "tabId" in signals:
            self.tab = str(signals["tabId"]).rpartition(".")[0]
        if "topic" in signals:
            check("messages have the page's topic", signals["topic"] == self.topic, f"{self.topic} {signals}"[:200])
        number, state, told = signals.get("n"), signals.get("state"), signals.get("told")
        if isinstance(number, int):
            expected = None if self.number is None else self.number + 1
            check(
                "messages come in order, none is missing", number == expected, f"{self.kind} {number}, not {expected}"
            )
            self.number = number
        if isinstance(state, int):
            check("a state never goes back", state >= self._state, f"{self.kind} {self._state} -> {state}")
            self._state = state
            if self.kind == "changes":
                self.number = state
        if isinstance(told, int):
            is_right = signals.get("scope") == self.scope and told > self.told
            check("messages to a scope reach it alone, once", is_right, f"{self.scope} {self.told} {signals}")
            self.told = told
