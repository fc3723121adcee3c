"""A hub in small: groups and clients that do everything at random, and a decoder for each client."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Sequence
from functools import cache

from flask_datastar.brokers.payload import Payload
from flask_datastar.codecs.body import CodedBody
from flask_datastar.codecs.codings import coding_named
from flask_datastar.codecs.pieces import Piece, own_piece
from flask_datastar.codecs.pool import Counts, EncoderPool
from flask_datastar.codecs.shared import SharedWindow
from tests.codecs.readers import Reader, cut, text_of, whole

ROWS = [f"<tr><td>{number}<td>row {number * 7919 % 10007}" for number in range(400)]


@cache
def event(kind: str, number: int) -> bytes:
    """Make one event: a kind of text, and which or how large."""
    if kind == "card":
        text = b"event: datastar-patch-signals\ndata: signals " + json.dumps({"card": number}).encode()
    elif kind == "table":
        rows = [*ROWS[: 40 + number % 3]]
        rows[number % len(rows)] = f"<tr><td>changed {number}"
        text = "\n".join(rows).encode()
    elif kind == "colons":
        # A fresh encoder finds a match at once, with the offset that it assumes to be the last one.
        text = b":" * number
    elif kind == "pattern":
        text = (b"ab" if number % 2 else b"abcdefgh") * number
    elif kind == "noise":
        text = random.Random(number).randbytes(number)
    else:
        rows = [*ROWS] * 12
        rows[number % len(rows)] = f"<tr><td>changed {number}"
        text = "\n".join(rows).encode()
    return text + b"\n\n"


class Client:
    """A stream and its browser."""

    def __init__(self, body: CodedBody, sizes: Sequence[int]) -> None:
        self.body = body
        self.group: Group | None = None
        self.is_slow = self.is_full = False
        self.queue: list[Piece] = []
        self.expected = bytearray()
        self.wire = bytearray()
        # Without the head, keep-alives and the end.
        self.sent = 0
        self._sizes = sizes
        self._reader = Reader(body.coding.name)
        self._receive(body.start())

    def deliver(self, piece: Piece) -> None:
        """Write at once as a publisher does, or queue."""
        if self.is_slow or self.queue:
            self.queue.append(piece)
            return
        segment = self.body.segment(piece)
        if self.is_full:
            self.is_full = False
            self.queue.append(piece)
            return
        self._receive(segment.data)
        if self.body.at is piece.before and self.body.frame is piece.frame:
            # As the hub does for most of its deliveries.
            self.body.at = piece.after
            piece.taken += 1
        else:
            self.body.commit(piece)
        self._note(piece.data, segment.data)

    def take(self, count: int) -> None:
        taken, self.queue = self.queue[:count], self.queue[count:]
        data = self.body.take(taken)
        self._receive(data)
        self._note(b"".join([piece.data for piece in taken]), data)

    def own(self, data: bytes, is_stored: bool) -> None:
        encoded = self.body.own(data, is_stored=is_stored)
        self._receive(encoded)
        self._note(data, encoded)

    def wait(self) -> None:
        self._receive(self.body.keepalive())

    def end(self) -> None:
        self.take(len(self.queue))
        self.own(b"event: ending\n\n", False)
        self._receive(self.body.end())
        assert self._reader.has_ended
        self.check()
        name = self.body.coding.name
        assert text_of(whole(name, bytes(self.wire))) == text_of(bytes(self.expected))

    def check(self) -> None:
        """Check that everything was read that was sent so far, down to the last byte."""
        assert text_of(bytes(self._reader.text)) == text_of(bytes(self.expected))
        assert (self.body.text_bytes, self.body.sent_bytes) == (len(self.expected), self.sent)

    def _note(self, data: bytes, encoded: bytes) -> None:
        self.expected += data
        self.sent += len(encoded)

    def _receive(self, data: bytes) -> None:
        self.wire += data
        for part in cut(data, self._sizes):
            self._reader.feed(part)


class Group:
    """Streams that follow the same topics."""

    def __init__(self, window: SharedWindow, counts: Counts) -> None:
        self.window = window
        self.counts = counts
        self.clients: list[Client] = []

    def publish(self, data: bytes, now: float, left_out: Client | None, is_stored: bool) -> None:
        payload = Payload(data)
        piece = self.window.store(payload) if is_stored else self.window.encode(payload, len(self.clients), now)
        for client in self.clients:
            if client is not left_out:
                client.deliver(piece)
        self.counts.note_taken(piece)


class SmallHub:
    """Two groups and some clients of one coding."""

    def __init__(self, coding: str, clients: int, sizes: Sequence[int], *, limit_bytes: int = 2**25) -> None:
        self.coding = coding_named(coding)
        self.sizes = sizes
        self.now = 0.0
        self.pool = EncoderPool(threading.Lock(), limit_bytes=limit_bytes)
        self.groups = [Group(self.pool.window(self.coding), self.pool.counts) for _ in range(2)]
        self.clients = [self._client() for _ in range(clients)]
        self.ended: list[Client] = []
        for client in self.clients:
            self.join(client, self.groups[0])

    def _client(self) -> Client:
        return Client(self.pool.body(self.coding), self.sizes)

    def join(self, client: Client, group: Group | None) -> None:
        if client.group is not None:
            client.group.clients.remove(client)
        client.group = group
        if group is not None:
            group.clients.append(client)

    def send_to_person(self, clients: Sequence[Client], data: bytes, is_stored: bool) -> None:
        piece = own_piece(self.coding, Payload(data), is_stored=is_stored)
        for client in clients:
            client.deliver(piece)

    def replace(self, client: Client) -> None:
        """End a client's stream, and open another one in its place."""
        group = client.group
        self.join(client, None)
        client.end()
        self.ended.append(client)
        newcomer = self.clients[self.clients.index(client)] = self._client()
        newcomer.own(b"event: first state\n\n", False)
        self.join(newcomer, group)

    def end(self) -> None:
        for client in [*self.clients]:
            self.replace(client)
        counted, every = self.pool.counts, [*self.ended, *self.clients]
        assert counted.bytes_in == sum(len(client.expected) for client in every)
        assert counted.bytes_out == sum(client.sent for client in every)
