"""The memory of all encoders of a process: a limit, and an end for those that are not used."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from flask_datastar.brokers.payload import Payload
from flask_datastar.codecs.codings import coding_named
from flask_datastar.codecs.pool import EncoderPool
from flask_datastar.codecs.shared import SharedWindow

ROOM_FOR_TWO = 2 * coding_named("gzip").encoder_bytes(15)


@pytest.fixture
def pool() -> EncoderPool:
    return EncoderPool(threading.Lock(), limit_bytes=ROOM_FOR_TWO, idle_seconds=30)


def windows_of(pool: EncoderPool, count: int) -> list[SharedWindow]:
    return [pool.window(coding_named("gzip")) for _ in range(count)]


def use(window: SharedWindow, now: float) -> bool:
    """Send an event; return whether its group has an encoder."""
    return window.encode(Payload(b"event: x\n\n"), 2, now).block is not None


def open_ones(windows: Sequence[SharedWindow]) -> list[bool]:
    return [window.encoder is not None for window in windows]


def test_encoder_that_was_not_used_for_longest_goes(pool: EncoderPool) -> None:
    windows = windows_of(pool, 3)
    use(windows[0], 1)
    use(windows[1], 2)

    # The newcomer's first event says nothing about how often it will be used.
    assert not use(windows[2], 3)
    use(windows[1], 4)
    assert use(windows[2], 5)

    assert open_ones(windows) == [False, True, True]
    assert pool.bytes == ROOM_FOR_TWO
    assert pool.encoders == 2


def test_groups_by_turns_do_not_close_each_others_encoders(pool: EncoderPool) -> None:
    windows = windows_of(pool, 5)

    for now in range(50):
        use(windows[now % 5], now)

    assert open_ones(windows) == [True, True, False, False, False]
    assert pool.counts.keys == 2


def test_idle_encoders_are_closed_and_the_next_event_is_a_key(pool: EncoderPool) -> None:
    windows = windows_of(pool, 2)
    use(windows[0], 0)
    use(windows[1], 10)

    pool.drop_idle(29.9)
    assert open_ones(windows) == [True, True]
    pool.drop_idle(30)
    assert open_ones(windows) == [False, True]
    assert pool.bytes == ROOM_FOR_TWO // 2

    assert windows[0].encode(Payload(b"event: x\n\n"), 2, 31).is_key


def test_groups_that_end_free_their_encoders(pool: EncoderPool) -> None:
    windows = windows_of(pool, 2)
    for window in windows:
        use(window, 0)
        window.close()
        window.close()

    assert pool.bytes == pool.encoders == 0


def test_encoder_larger_than_the_limit_is_not_opened() -> None:
    pool = EncoderPool(threading.Lock(), limit_bytes=1000)
    (window,) = windows_of(pool, 1)

    assert not use(window, 0)
    assert not use(window, 1)
    assert pool.bytes == pool.encoders == pool.counts.keys == 0


def test_next_key_takes_the_place_of_its_own_encoder() -> None:
    pool = EncoderPool(threading.Lock(), limit_bytes=coding_named("gzip").encoder_bytes(15))
    (window,) = windows_of(pool, 1)
    use(window, 0)
    body = pool.body(window.coding)
    for now in range(1, 10):
        body.own(b"event: own\n\n")
        body.take([window.encode(Payload(b"event: x\n\n"), 1, now)])

    assert pool.counts.keys > 2
    assert pool.encoders == 1


def test_many_threads_keep_the_books(pool: EncoderPool) -> None:
    windows = windows_of(pool, 6)

    def work(window: SharedWindow) -> None:
        for now in range(200):
            use(window, now)
            if now % 17 == 0:
                pool.drop_idle(now + 30)

    threads = [threading.Thread(target=work, args=[window]) for window in windows]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert pool.encoders == sum(open_ones(windows))
    assert pool.bytes == pool.encoders * ROOM_FOR_TWO // 2
    pool.drop_idle(1000)
    assert pool.bytes == pool.encoders == 0
