"""Streams in this process, on a server that reads and writes when it is told to."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, urlencode

from flask import Flask

from tests.soak.fuzz_making import Sent, header_text
from tests.soak.fuzz_stream_app import TICK_SECONDS
from tests.soak.fuzz_texts import NAMES, damaged_value, hostile_text, json_bytes

WHOS = ["ann", "bob", "1:x", "3:ann", "", " ", "\0", "an", "ann:t1", "é", "7"]
TABS = ["t1.p1", "t1.p2", "t2.p3", "t1", "t1.", ".p1", "x" * 128, "x" * 129, "a.b.c", "t1.p1\n", "a b"]
TOPICS = ["news", "bord", "3:ann", "\0003:ann", "", "ds:x", "a\nb", "é"]
PATHS = [
    *[f"/ds/fuzz/{name}" for name in ("follow", "mine", "anonymous", "listen", "tick", "ends")],
    "/plain/x",
]
IDS = [
    "ds:done",
    "ds:restart:0:",
    "ds:restart:2:row-7",
    "ds:replaced:p1",
    "ds:replaced:",
    "row-3",
    "ds:",
    "ds:restart",
    "ds:age",
]


def one_of(chance: random.Random, usual: list[str]) -> str:
    """Return a usual name, now and then a hostile one."""
    return chance.choice(usual) if chance.random() < 0.8 else chance.choice([hostile_text(chance), *NAMES])


class Opened:
    """One stream, as far as the server has it.

    :param who: the scope that its request names.
    """

    def __init__(self, app: Flask, sent: Sent, who: str) -> None:
        self.sent = sent
        self.who = who
        self.status = 0
        self.headers: list[tuple[str, str]] = []
        self.received = b""
        self.has_ended = False
        #: Whether the client has left, which a write notices.
        self.is_gone = False
        self._body: Any = app(sent.environ(), self._start_response)
        self._chunks: Iterator[bytes] = iter(self._body)
        self._stepped_at = 0.0

    def _start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: object = None
    ) -> Callable[[bytes], Any]:
        self.status = int(status.split()[0])
        self.headers = headers
        return self._write

    def _write(self, data: bytes) -> None:
        if self.is_gone:
            raise BrokenPipeError
        self.received += data

    def step(self) -> None:
        """Take the next chunk, unless the server would have to wait for it: a keep-alive is due if nothing else is."""
        if self.has_ended or time.monotonic() < self._stepped_at + 1.1 * TICK_SECONDS:
            return
        try:
            chunk = next(self._chunks, None)
            if chunk is None:
                self.has_ended = True
            else:
                self._write(chunk)
        except BrokenPipeError:
            self.has_ended = True
        self._stepped_at = time.monotonic()

    def close(self) -> None:
        """End the response."""
        self.has_ended = True
        self._body.close()


def make_opening(chance: random.Random) -> tuple[Sent, str]:
    """Return a request for a stream, damaged in some places, and the scope that it names."""
    who = one_of(chance, WHOS)
    signals: Any = {
        **{"tabId": one_of(chance, TABS), "topic": one_of(chance, TOPICS), "text": one_of(chance, ["x", "/y", ""])},
        **{"topics": [one_of(chance, TOPICS), "news"], "whole": 2},
    }
    for _ in range(chance.choice([0, 0, 1, 2])):
        signals = damaged_value(chance, signals)
    path = chance.choice(PATHS)
    if path.startswith("/plain"):
        path = "/plain/" + one_of(chance, ["x"]).replace("/", "")[:2000]
    sent = Sent("GET", path.encode("utf-8", "surrogatepass").decode("latin-1"))
    sent.query = _query(who, json_bytes(chance, signals), chance)
    sent.headers = {"Datastar-Request": "true", "Sec-Fetch-Site": "same-origin"}
    for name, usual in (("Last-Event-ID", IDS), ("Datastar-Tab", TABS), ("X-Forwarded-For", ["10.0.0.1"])):
        if chance.random() < 0.4:
            sent.headers[name] = chance.choice(usual).strip() if chance.random() < 0.6 else header_text(chance)
    if chance.random() < 0.05:
        sent.headers[chance.choice(["Accept", "Cookie", "Datastar-Request", "Origin", "Host"])] = header_text(chance)
    return sent, who


def _query(who: str, signals: bytes, chance: random.Random) -> bytes:
    parts = [("who", who)]
    if chance.random() < 0.3:
        parts.append((one_of(chance, ["topic", "n"]), one_of(chance, TOPICS)))
    text = urlencode(parts, errors="surrogatepass") + f"&datastar={quote(signals)}"
    return text.encode()[:100_000]
