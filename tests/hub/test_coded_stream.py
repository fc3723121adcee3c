"""Streams with a content coding: the place in the body moves with what is written, and with nothing else."""

from __future__ import annotations

import random
import socket
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest
from flask import Flask

from flask_datastar.brokers.payload import MessageKind, Payload
from flask_datastar.codecs.codings import CODINGS
from flask_datastar.hooks import Reason
from flask_datastar.hub.coded_stream import CodedStream
from flask_datastar.hub.seats import Seat, in_rows
from flask_datastar.hub.topics import Topics
from flask_datastar.hub.unread import UnreadWatch
from tests.conftest import MakeApp
from tests.hub.test_direct import Exchange
from tests.streams.scripts import direct_checks
from tests.support.decoding import Decoded
from tests.support.streams import hub_for

#: A text that takes half of its size where it is encoded for the first time.
TEXT = random.Random(0).randbytes(500).hex().encode()


def event(number: int, size: int = 1000) -> bytes:
    return b"data: %d %s\n\n" % (number, TEXT * (size // 1000))


class Reader:
    """A coded stream on a connection, and the decoder of its client."""

    def __init__(self, app: Flask, coding: str, protocol: str = "HTTP/1.1") -> None:
        made = hub_for(app).new_stream(coding)
        assert isinstance(made, CodedStream)
        self.stream = made
        self.exchange = Exchange(f"GET / {protocol}")
        self.stream.direct = self.exchange.writer()
        self.text = b""
        self.body_bytes = 0
        self._is_chunked = protocol == "HTTP/1.1"
        self._decoded = Decoded(coding)
        # What gunicorn writes, in its own way.
        self.exchange.response.write(self.stream.encode_first(b": open\n\n", is_secret=False))
        self._raw = self.exchange.received().partition(b"\r\n\r\n")[2]
        self._decode()
        self.stream.is_parked = True

    def received(self) -> int:
        """Read what has come, and return the number of its bytes."""
        raw = self.exchange.received()
        self._raw += raw
        self._decode()
        return len(raw)

    def write(self, data: bytes) -> None:
        self.exchange.response.write(data)
        self.received()

    def send_rest(self) -> None:
        """Send what the connection did not take, as the stream's own greenlet does."""
        self.received()
        direct = self.stream.direct
        assert direct is not None
        view, direct.rest = direct.rest, None
        self.exchange.server.setblocking(0)
        while view:
            try:
                view = view[self.exchange.server._sock.send(view) :]
            except BlockingIOError:
                self.received()
        self.received()

    def _decode(self) -> None:
        if not self._is_chunked:
            data, self._raw = self._raw, b""
            self.text += self._decoded.feed(data)
            return
        while (end := self._raw.find(b"\r\n")) > 0:
            length = int(self._raw[:end], 16)
            if len(self._raw) < end + length + 4:
                return
            self.body_bytes += length
            self.text += self._decoded.feed(self._raw[end + 2 : end + 2 + length])
            self._raw = self._raw[end + length + 4 :]

    @property
    def numbers(self) -> list[int]:
        return [int(line.split()[1]) for line in self.text.split(b"\n") if line.startswith(b"data: ")]


class Readers:
    """Streams of one group."""

    def __init__(self, app: Flask, coding: str, count: int, protocol: str = "HTTP/1.1") -> None:
        self.topics = Topics()
        self._compression = hub_for(app).compression
        self.all = [Reader(app, coding, protocol) for _ in range(count)]
        self.seats: list[Seat] = []
        for reader in self.all:
            seat = self._compression.seat(reader.stream, frozenset({"a"}))
            assert seat is not None
            self.seats.append(seat)
            self.topics.subscribe(("a",), reader.stream)
            self.topics.hand_over(("a",), reader.stream, seat)

    def publish(self, data: bytes, last_id: str | None = None, *, is_stored: bool = False) -> list[int]:
        """Publish an event, and return how many bytes each client got."""
        payload = Payload(data, last_id)
        payload.is_stored = is_stored
        self.topics.publish("a", MessageKind.EVENTS, payload)
        return [reader.received() for reader in self.all]

    def close(self) -> None:
        for reader, seat in zip(self.all, self.seats, strict=True):
            self._compression.leave(seat)
            reader.exchange.close()


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    return make_app(DATASTAR_MAX_QUEUED_EVENTS=4, DATASTAR_MAX_QUEUED_BYTES=10_000_000)


@pytest.fixture(params=CODINGS)
def coding(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def readers(app: Flask, coding: str) -> Iterator[Readers]:
    made = Readers(app, coding, 3)
    yield made
    made.close()


@pytest.mark.parametrize("protocol", ["HTTP/1.1", "HTTP/1.0"])
def test_events_are_encoded_once_and_refer_to_earlier_ones(app: Flask, coding: str, protocol: str) -> None:
    readers = Readers(app, coding, 3, protocol)

    first = readers.publish(event(1), "row-1")
    later = readers.publish(event(2), "row-2")
    counted = hub_for(app).stats()["compression"]

    assert [reader.numbers for reader in readers.all] == [[1, 2]] * 3
    # The same bytes for all, and few of them.
    assert len({*first}) == len({*later}) == 1
    assert later[0] < 40 < 400 < first[0] < 800
    assert [reader.stream.last_id for reader in readers.all] == ["row-2"] * 3
    assert counted["bytes_in"] == 3 * len(b": open\n\n" + event(1) + event(2))
    readers.close()


def test_full_connection_moves_nothing_and_its_event_comes_later(readers: Readers) -> None:
    full, *others = readers.all
    readers.publish(event(1))
    direct_checks.fill(full.exchange.server)
    readers.publish(event(2))
    assert full.stream.waiting == 1
    # The client has read what filled the connection, but nothing overtakes what waits.
    full._raw = b""
    readers.publish(event(3))
    assert full.stream.waiting == 2
    # Its own greenlet sends what waits.
    full.stream.is_parked = False
    data = full.stream.take()

    full.write(data)
    full.stream.is_parked = True
    readers.publish(event(4))

    assert full.numbers == [1, 2, 3, 4]
    # Nothing came between, so what waited is two blocks, too.
    assert len(data) < 80
    assert [reader.numbers for reader in others] == [[1, 2, 3, 4]] * 2


def test_rest_of_a_short_write_counts_as_written(readers: Readers) -> None:
    short, *others = readers.all
    short.exchange.server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    # The first is the key, the second the next block.
    for number in (1, 3):
        # Random, so that it is large when encoded, too.
        large = b"data: %d %s\n\n" % (number, random.Random(number).randbytes(90_000).hex().encode())
        readers.topics.publish("a", MessageKind.EVENTS, Payload(large, f"row-{number}"))
        assert short.stream.direct is not None
        assert short.stream.direct.rest is not None
        assert not short.stream.is_parked
        readers.topics.publish("a", MessageKind.EVENTS, Payload(event(number + 1)))
        assert short.stream.waiting == 1
        short.send_rest()
        short.write(short.stream.take())
        short.stream.is_parked = True
        assert [reader.received() > 40_000 for reader in others] == [True, True]

    assert [reader.numbers for reader in readers.all] == [[1, 2, 3, 4]] * 3
    assert [reader.stream.last_id for reader in readers.all] == ["row-3"] * 3


def test_nothing_overtakes_an_event_for_one_stream_that_waits(readers: Readers) -> None:
    full, *others = readers.all
    readers.publish(event(1))
    direct_checks.fill(full.exchange.server)
    full.stream.put(Payload(event(2)))
    full.exchange.received()

    readers.publish(event(3))
    assert full.stream.waiting == 2
    full.stream.is_parked = False
    full.write(full.stream.take())

    assert full.numbers == [1, 2, 3]
    assert [reader.numbers for reader in others] == [[1, 3]] * 2


def test_stream_that_was_left_out_of_an_event_gets_the_next_one_alone(readers: Readers) -> None:
    sender, *others = readers.all
    sender.stream.tab = "tab"
    readers.publish(event(1))
    payload = Payload(event(2))
    payload.but = "tab"
    readers.topics.publish("a", MessageKind.EVENTS, payload)

    sizes = readers.publish(event(3))

    assert sizes[0] > 400
    assert sender.numbers == [1, 3]
    assert [reader.numbers for reader in others] == [[1, 2, 3]] * 2


def test_event_on_its_way_to_streams_that_leave_opens_no_encoder_for_good(app: Flask, coding: str) -> None:
    readers = Readers(app, coding, 3)
    # The publisher has looked who is there; meanwhile all leave.
    (row,) = in_rows(readers.seats)
    readers.close()

    row.deliver("a", MessageKind.EVENTS, Payload(event(1)))

    assert hub_for(app).stats()["compression"]["frames"] == 0


def test_stream_without_direct_writes_is_woken(readers: Readers) -> None:
    one, *others = readers.all
    readers.publish(event(1))
    one.stream.direct = None
    one.stream.wakeup.clear()

    readers.publish(event(2))

    assert (one.stream.waiting, one.stream.wakeup.wait(0)) == (1, True)
    assert [reader.numbers for reader in others] == [[1, 2]] * 2


def test_what_waits_is_encoded_when_it_is_taken(readers: Readers) -> None:
    late, *others = readers.all
    readers.publish(event(1))
    late.stream.is_parked = False
    for number in (2, 3):
        readers.publish(event(number))
    # Something of its own comes between, so the two are encoded alone.
    own = late.stream.encode(event(100))
    waiting = late.stream.take()
    late.write(own + waiting)

    late.stream.is_parked = True
    sizes = [readers.publish(event(number)) for number in range(4, 20)]

    assert late.numbers == [1, 100, *range(2, 20)]
    assert [reader.numbers for reader in others] == [[*range(1, 20)]] * 2
    # It gets events alone at first, and joins the others at a key.
    assert sizes[0][0] > 2 * sizes[0][1]
    assert len({*sizes[-1]}) == 1


def test_queue_counts_events_as_they_are_made(readers: Readers, app: Flask) -> None:
    slow, *others = readers.all
    slow.stream.is_parked = False

    for number in range(5):
        readers.publish(event(number))

    assert slow.stream.reason is Reason.SLOW
    assert slow.stream.waiting == 0
    assert hub_for(app).stats()["dropped"] == 1
    assert all(reader.numbers == [*range(5)] for reader in others)


def test_bytes_in_the_queue_are_those_of_the_events(readers: Readers) -> None:
    slow = readers.all[0]
    slow.stream.is_parked = False

    readers.publish(event(1, 100_000))

    assert slow.stream.outbox_bytes == len(event(1, 100_000))


def test_event_for_one_stream_is_encoded_alone(readers: Readers) -> None:
    one, *others = readers.all
    readers.publish(event(1))
    payload = Payload(event(2), "own")
    for reader in (one, others[0]):
        reader.stream.put(payload)
        assert 400 < reader.received() < 800

    sizes = readers.publish(event(3))

    assert [reader.numbers for reader in readers.all] == [[1, 2, 3], [1, 2, 3], [1, 3]]
    # Encoded once for both.
    assert payload.pieces is not None
    assert len(payload.pieces) == 1
    assert sizes[0] == sizes[1] > sizes[2]


def test_stored_event_shares_nothing(readers: Readers) -> None:
    readers.publish(event(1))

    stored = readers.publish(event(2), is_stored=True)
    after = readers.publish(event(3))

    assert [reader.numbers for reader in readers.all] == [[1, 2, 3]] * 3
    assert all(size > len(event(2)) for size in stored)
    # A key again, which refers to nothing.
    assert all(400 < size < 800 for size in after)


def test_next_block_costs_each_stream_one_call(app: Flask, coding: str) -> None:
    """Thousands of streams get it, so the time of a delivery is that of the write."""
    counts = []
    for number in (10, 30):
        readers = Readers(app, coding, number)
        readers.publish(event(1))
        counts.append(calls(readers.topics.publish, "a", MessageKind.EVENTS, Payload(event(2))))
        assert all(reader.received() < 40 for reader in readers.all)
        readers.close()

    assert counts[1] - counts[0] == Counter({"write": 20})


def calls(function: Callable[..., object], *arguments: object) -> Counter[str]:
    """Call a function, and count what it calls, by names."""
    found: Counter[str] = Counter()

    def note(frame: FrameType, kind: str, called: Any) -> None:
        if kind == "call":
            found[frame.f_code.co_name] += 1
        elif kind == "c_call":
            found[called.__name__] += 1

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        function(*arguments)
    finally:
        sys.setprofile(before)
    # Python counts it or not, by how often the code has run.
    del found["len"]
    return found


def test_bytes_of_blocks_are_reported_to_the_server(readers: Readers) -> None:
    reader = readers.all[0]

    class Publishing:
        """Wakes the stream after three events of the group and one of its own."""

        def wait(self, timeout: float | None = None) -> bool:
            for number in range(3):
                readers.publish(event(number))
            reader.stream.put(Payload(event(3)))
            reader.received()
            return True

    reader.stream.wakeup = Publishing()  # type: ignore[assignment]
    for _ in range(2):
        reader.stream.park(None)
        assert reader.stream.direct is not None
        reader.stream.direct.report()

    assert reader.numbers == [0, 1, 2, 3] * 2
    # Without the frames of the chunks, as the server counts its own.
    assert reader.exchange.response.sent == reader.body_bytes


@pytest.mark.parametrize("state", ["ended", "gone"])
def test_stream_that_has_ended_gets_no_block(readers: Readers, state: str) -> None:
    one, *others = readers.all
    readers.publish(event(1))
    if state == "ended":
        one.stream.end(Reason.DONE)
    else:
        one.stream.leave()

    readers.publish(event(2))

    assert (one.numbers, one.stream.waiting) == ([1], 0)
    assert [reader.numbers for reader in others] == [[1, 2]] * 2


def test_written_block_puts_the_next_keepalive_off(readers: Readers) -> None:
    readers.publish(event(1))
    payload = Payload(event(2))

    readers.topics.publish("a", MessageKind.EVENTS, payload)

    assert [reader.stream.last_write for reader in readers.all] == [payload.made_at] * 3


@pytest.mark.parametrize("before", [0, 2])
def test_broken_connection_is_left(readers: Readers, before: int) -> None:
    broken, *others = readers.all
    for number in range(before):
        readers.publish(event(number))
    broken.exchange.client.close()
    broken.exchange.received = lambda: b""  # type: ignore[method-assign]

    readers.publish(event(before))

    assert (broken.stream.is_gone, broken.stream.reason) == (True, Reason.LEFT)
    readers.publish(event(before + 1))
    assert [reader.numbers for reader in others] == [[*range(before + 2)]] * 2


def test_stream_that_was_uncoded_gets_the_group_s_events_as_they_are(app: Flask, coding: str) -> None:
    exchange = Exchange()
    stream = hub_for(app).new_stream(coding)
    assert stream.coding == coding
    stream.uncode()
    stream.direct = exchange.writer()
    readers = Readers(app, coding, 1)
    compression = hub_for(app).compression
    assert isinstance(stream, CodedStream)
    assert compression.seat(stream, frozenset({"a"})) is None
    # It may have taken its seat before.
    seat = Seat(readers.seats[0].group, stream)
    readers.topics.subscribe(("a",), stream)
    readers.topics.hand_over(("a",), stream, seat)

    readers.publish(event(1))
    stream.put(Payload(event(2)))
    assert stream.take() == event(1) + event(2)
    assert exchange.received().partition(b"\r\n\r\n")[2] == b""
    stream.is_parked = True
    exchange.response.send_headers()
    exchange.received()
    readers.publish(event(3), "row-3")
    stream.put(Payload(event(4)))

    assert exchange.received() == Payload(event(3)).chunk + Payload(event(4)).chunk
    assert stream.last_id == "row-3"
    own: list[Any] = [stream.encode(b"x"), stream.encode_first(b"x", is_secret=True), stream.encode_last(b"x")]
    assert own == [b"x"] * 3
    assert stream.encode_keepalive(b":\n\n") == b":\n\n"
    exchange.close()
    readers.close()


def test_buffer_is_small_until_the_end_is_decided(app: Flask, coding: str) -> None:
    """A slow client takes the last events from a small buffer too slowly, and its body would break off."""
    reader = Reader(app, coding)
    stream = reader.stream
    server, client = socket.socketpair()
    with server, client:
        stream.socket = server
        stream.wakeup.set()
        before = server.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
        stream.park(None)
        small = server.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
        assert stream.end(Reason.AGE)
        restored = server.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
        assert not stream.end(Reason.DONE)
        stream.park(None)

        assert small <= 2 * 8192 < before == restored
        assert server.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) == before
    reader.exchange.close()


def test_client_that_leaves_what_it_gets_unread_is_dropped(
    readers: Readers, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent, *others = readers.all
    room = iter(range(60_000, 0, -5000))
    monkeypatch.setattr("flask_datastar.hub.unread.receive_window", lambda connection: next(room))
    silent.stream._unread = UnreadWatch(silent.exchange.server)

    for number in range(24):
        readers.publish(event(number, 250_000))

    assert silent.stream.reason is Reason.SLOW
    # It was looked at after each half of a mebibyte, and has left four unread since it last read.
    assert silent.numbers == [*range(21)]
    assert hub_for(app).stats()["dropped"] == 1
    assert [reader.numbers for reader in others] == [[*range(24)]] * 2


def test_client_that_leaves_its_own_events_unread_is_dropped(
    readers: Readers, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = readers.all[0].stream
    room = iter(range(60_000, 0, -5000))
    monkeypatch.setattr("flask_datastar.hub.unread.receive_window", lambda connection: next(room))
    silent._unread = UnreadWatch(readers.all[0].exchange.server)

    # As a generator does, which follows nothing.
    made = [silent.encode(event(number, 250_000)) for number in range(20)]
    assert silent.reason is None
    made.append(silent.encode(event(20, 250_000)))

    assert silent.reason is Reason.SLOW
    assert hub_for(app).stats()["dropped"] == 1
    # What was encoded is sent before the ending.
    readers.all[0].write(b"".join(made))
    assert readers.all[0].numbers == [*range(21)]
