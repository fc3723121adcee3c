"""Clients that do not read are told from slow ones by the room that their systems have left."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from flask_datastar.codecs.pieces import MILESTONE_BYTES
from flask_datastar.hub import unread
from flask_datastar.hub.unread import UNREAD_BYTES, UnreadWatch
from flask_datastar.testing.waiting import wait_until
from flask_datastar.transport.leaving import receive_window

NOBODY: Any = None
EVENT_BYTES, SENT_BYTES = 12_000, 40
#: Events after which a client that reads nothing is to be let go, with those of one look more.
LOOK_EVENTS = MILESTONE_BYTES // EVENT_BYTES + 1
MOST_EVENTS = UNREAD_BYTES // EVENT_BYTES + 2 * LOOK_EVENTS


class Windows:
    """The windows of a client whose system rounds them down, and keeps some of its room for other things."""

    def __init__(self, share: float, step: int, grows_until: int = 0) -> None:
        self.share, self.step, self.grows_until = share, step, grows_until
        self.sent = 0

    def __call__(self, connection: object) -> int:
        room = 65_536 + min(self.sent, self.grows_until) * 4 - max(self.sent - self.grows_until, 0) * self.share
        return int(room) // self.step * self.step


class Sent:
    """What was sent to a client, and its watch."""

    def __init__(self, event_bytes: int = EVENT_BYTES) -> None:
        self.watch = UnreadWatch(NOBODY)
        self.text_bytes = self.sent_bytes = 0
        self._event_bytes = event_bytes

    def note(self) -> bool:
        """Send one event more; return whether the client counts as one that reads."""
        self.text_bytes += self._event_bytes
        self.sent_bytes += SENT_BYTES
        return not self.watch.is_due(self.text_bytes) or self.watch.look(self.text_bytes, self.sent_bytes)


def events_until_slow(windows: Windows, monkeypatch: pytest.MonkeyPatch, most: int) -> int | None:
    """Send events one by one, and return the number of the first that is one too many; None if that never comes."""
    monkeypatch.setattr(unread, "receive_window", windows)
    sent = Sent()
    for number in range(1, most + 1):
        windows.sent += SENT_BYTES
        if not sent.note():
            return number
    return None


@pytest.mark.parametrize("share", [1.0, 0.75, 0.5])
@pytest.mark.parametrize("step", [1, 256, 1024])
@pytest.mark.parametrize("grows_until", [0, 8000])
def test_a_client_that_reads_nothing_is_found(
    monkeypatch: pytest.MonkeyPatch, share: float, step: int, grows_until: int
) -> None:
    found = events_until_slow(Windows(share, step, grows_until), monkeypatch, 2000)

    grown = grows_until // SENT_BYTES
    assert found is not None
    assert UNREAD_BYTES // EVENT_BYTES < found <= MOST_EVENTS + grown


@pytest.mark.parametrize("event_bytes", [190, 400_000])
def test_a_client_that_reads_nothing_is_found_by_bytes(monkeypatch: pytest.MonkeyPatch, event_bytes: int) -> None:
    windows = Windows(1.0, 1)
    monkeypatch.setattr(unread, "receive_window", windows)
    sent = Sent(event_bytes)
    while sent.note():
        windows.sent += SENT_BYTES

    assert UNREAD_BYTES <= sent.text_bytes <= UNREAD_BYTES + 2 * MILESTONE_BYTES + 2 * event_bytes


@pytest.mark.parametrize("share", [0.0, 0.1, 0.2])
@pytest.mark.parametrize("step", [1, 1024])
def test_a_client_that_reads_most_of_it_is_kept(monkeypatch: pytest.MonkeyPatch, share: float, step: int) -> None:
    assert events_until_slow(Windows(share, step), monkeypatch, 4000) is None


def test_a_client_that_reads_now_and_then_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    windows = Windows(1.0, 1)
    monkeypatch.setattr(unread, "receive_window", windows)
    sent = Sent()
    for _ in range(20):
        windows.sent = 0
        for _ in range(UNREAD_BYTES // EVENT_BYTES - LOOK_EVENTS):
            windows.sent += SENT_BYTES
            assert sent.note()


def test_what_no_system_tells_limits_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unread, "receive_window", lambda connection: None)
    watch = UnreadWatch(NOBODY)
    assert all(watch.look(number * 10 * UNREAD_BYTES, number * 10) for number in range(10))


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        connection, _ = server.accept()
        with client, connection:
            yield connection, client


def test_the_window_of_a_connection_shrinks_until_the_client_reads(pair: tuple[socket.socket, socket.socket]) -> None:
    connection, client = pair
    connection.setblocking(False)
    first = receive_window(connection)
    assert first is not None
    sent = 0
    with suppress(BlockingIOError):
        while True:
            sent += connection.send(bytes(10_000))
    wait_until(lambda: (receive_window(connection) or 0) < first // 4)

    client.settimeout(10)
    while sent:
        sent -= len(client.recv(65_536))
    wait_until(lambda: (receive_window(connection) or 0) >= first // 2)


def test_the_window_of_what_is_no_connection_is_unknown() -> None:
    one, other = socket.socketpair()
    with one, other:
        assert receive_window(one) is None
    assert receive_window(one) is None
