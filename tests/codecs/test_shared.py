"""Key events, windows and the memory of shared encoders."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from flask_datastar.brokers.payload import Payload
from flask_datastar.codecs.body import CodedBody
from flask_datastar.codecs.codings import coding_named
from flask_datastar.codecs.pieces import Piece
from flask_datastar.codecs.pool import EncoderPool
from flask_datastar.codecs.shared import SharedWindow
from tests.codecs.mixtures import event

CODINGS = ("zstd", "gzip")


def make_pool(**options: Any) -> EncoderPool:
    return EncoderPool(threading.Lock(), **options)


class Members:
    """The streams of one group, which take every event at once."""

    def __init__(self, pool: EncoderPool, coding: str, count: int) -> None:
        self.pool = pool
        self.window: SharedWindow = pool.window(coding_named(coding))
        self.bodies: list[CodedBody] = []
        self.number = 0
        for _ in range(count):
            self.join()

    def join(self) -> CodedBody:
        body = self.pool.body(self.window.coding)
        self.bodies.append(body)
        return body

    def send(self, kind: str = "table", now: float = 0.0) -> Piece:
        self.number += 1
        piece = self.window.encode(Payload(event(kind, self.number)), len(self.bodies), now)
        self.take(piece)
        return piece

    def store(self) -> Piece:
        piece = self.window.store(Payload(event("table", 0)))
        self.take(piece)
        return piece

    def take(self, piece: Piece) -> None:
        for body in self.bodies:
            body.take([piece])


# Keys


@pytest.mark.parametrize("coding", CODINGS)
def test_events_of_one_follower_open_no_encoder(coding: str) -> None:
    members = Members(make_pool(), coding, 1)

    pieces = [members.send() for _ in range(3)]

    assert [piece.block for piece in pieces] == [None] * 3
    assert members.pool.encoders == members.pool.bytes == 0
    members.join()
    assert members.send().is_key
    assert members.pool.encoders == 1


@pytest.mark.parametrize("coding", CODINGS)
def test_without_newcomers_the_first_event_is_the_only_key(coding: str) -> None:
    members = Members(make_pool(), coding, 2)

    keys = [members.send().is_key for _ in range(200)]

    assert keys == [True] + [False] * 199
    assert members.pool.counts.alone == 0


def test_newcomer_waits_until_the_blocks_have_cost_a_key() -> None:
    members = Members(make_pool(), "zstd", 100)
    key = members.send()
    assert key.block is not None
    newcomer = members.join()
    spent = 0

    while not (piece := members.send()).is_key:
        assert piece.block is not None
        assert newcomer.segment(piece) is piece.alone, "what waits for a key gets each event at once"
        spent += len(piece.block.data)

    assert spent >= len(key.block.data)
    assert spent < len(key.block.data) + 200
    assert newcomer.frame is piece.frame
    assert members.pool.counts.alone == members.number - 2


def test_newcomer_is_soon_in_where_blocks_cost_as_much_as_keys() -> None:
    members = Members(make_pool(), "gzip", 100)
    for _ in range(50):
        members.send("noise")
    members.join()

    assert [members.send("noise").is_key for _ in range(2)] == [False, True]


def test_many_newcomers_do_not_wait_for_long() -> None:
    members = Members(make_pool(), "zstd", 10)
    members.send()
    for _ in range(30):
        members.join()

    # After the second event more went out alone than a key to everybody costs.
    assert [members.send().is_key for _ in range(4)] == [False, False, True, False]


def test_streams_that_left_again_cost_no_more_than_one_key() -> None:
    members = Members(make_pool(), "zstd", 10)
    members.send()
    members.bodies.append(members.join())
    members.send()
    del members.bodies[-2:]

    assert sum(members.send().is_key for _ in range(300)) == 1


@pytest.mark.parametrize("coding", CODINGS)
def test_own_events_take_a_stream_out_and_keepalives_do_not(coding: str) -> None:
    members = Members(make_pool(), coding, 3)
    members.send()
    first, second, third = members.bodies
    first.keepalive()
    second.own(b"event: own\n\n")
    third.own(b"event: own\n\n", is_stored=True)

    piece = members.send()

    assert [first.frame, second.frame, third.frame] == [piece.frame, None, None]


@pytest.mark.parametrize("coding", CODINGS)
def test_stored_events_are_not_encoded_and_end_the_frame(coding: str) -> None:
    members = Members(make_pool(), coding, 2)
    members.send()
    members.send()

    piece = members.store()

    assert event("table", 0) in piece.alone.data
    assert piece.block is None
    assert members.pool.encoders == 0
    assert members.send().is_key


# Windows


@pytest.mark.parametrize(
    ("size", "log"), [(1, 15), (8_192, 15), (8_193, 16), (100_000, 19), (400_000, 21), (10**7, 21)]
)
def test_window_holds_four_events(size: int, log: int) -> None:
    members = Members(make_pool(), "zstd", 2)

    members.window.encode(Payload(bytes(size)), 2, 0.0)

    assert members.window.encoder is not None
    assert members.window.encoder.window_log == log == coding_named("zstd").window_log(size)


def test_larger_events_get_a_larger_window_and_the_next_key_a_smaller_one() -> None:
    members = Members(make_pool(), "zstd", 2)
    members.send("card")
    small = members.pool.bytes

    assert members.send("large").is_key
    assert members.pool.bytes > small
    assert not members.send("large").is_key
    members.send("card")
    # The window must still hold what came since the last key.
    members.join()
    while not members.send("card").is_key:
        pass
    assert members.pool.bytes > small
    members.join()
    while not members.send("card").is_key:
        pass
    assert members.pool.bytes == small


# Failures


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("where", ["open", "encode"])
def test_encoder_that_fails_costs_the_frame_and_no_event(
    coding: str, where: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    members = Members(make_pool(), coding, 2)
    members.send()

    def fail(*_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patched:
        if where == "open":
            members.window.close()
            patched.setattr(type(members.window.coding), "encoder", fail)
        else:
            patched.setattr(type(members.window.encoder), "block", fail)
        piece = members.send()

    assert piece.alone.data == members.window.coding.stored(piece.data)
    assert members.pool.encoders == members.pool.bytes == 0
    assert "the shared encoder" in caplog.text
    assert members.send().is_key


@pytest.mark.parametrize("coding", CODINGS)
def test_events_that_cannot_be_encoded_alone_are_stored(
    coding: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    found = coding_named(coding)
    monkeypatch.setattr(type(found), "_alone", fail)

    assert found.alone(bytes(1000)) == found.stored(bytes(1000))
    assert "they are sent as they are" in caplog.text


@pytest.mark.parametrize("coding", CODINGS)
def test_event_without_text_is_an_empty_block(coding: str) -> None:
    """A chunk without bytes would end the response."""
    members = Members(make_pool(), coding, 2)
    members.send()

    piece = members.window.encode(Payload(b""), 2, 0.0)

    assert piece.block is not None
    assert piece.block.data
    assert piece.alone.data == members.window.coding.empty


# What is shorter


@pytest.mark.parametrize("coding", CODINGS)
def test_small_own_events_are_stored_and_large_ones_encoded(coding: str) -> None:
    found = coding_named(coding)
    small, large = b'data: signals {"a":1}\n\n', event("table", 1)

    assert found.alone(small) == found.stored(small)
    assert len(found.alone(large)) < len(found.stored(large)) / 3


@pytest.mark.parametrize("coding", CODINGS)
def test_alone_is_made_once_and_when_it_is_needed(coding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    members = Members(make_pool(), coding, 2)
    made: list[bytes] = []
    alone = type(members.window.coding).alone

    def record(self: Any, data: bytes) -> bytes:
        made.append(data)
        return alone(self, data)

    monkeypatch.setattr(type(members.window.coding), "alone", record)
    members.send()
    members.send()
    assert made == []
    for _ in range(3):
        members.join()
    piece = members.send()
    assert made == [piece.data]
