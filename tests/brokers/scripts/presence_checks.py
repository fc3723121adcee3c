"""Checks of what processes say of themselves: heartbeats, the death of one, and forks."""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import Any

from flask_datastar.brokers import redis_presence
from flask_datastar.testing import Brokers
from flask_datastar.testing.brokers import send
from flask_datastar.testing.waiting import wait_until
from tests.brokers.redis_server import RedisServer
from tests.support.checks import finish_child, held, run_in_child, start_child

SIDE_BY_SIDE = 4


def be_quick(alive_seconds: float = 1.0) -> None:
    redis_presence.BEAT_SECONDS, redis_presence.ALIVE_SECONDS = 0.1, alive_seconds


def vanish(broker: Any) -> None:
    """Let a process end as with SIGKILL: nothing is said any more."""
    broker._presence._cancel_beat()
    broker._presence._is_closed = True


def keys_of(server: RedisServer, broker: Any) -> list[bytes]:
    """List what names a process."""
    name = broker.process.encode()
    with server.client() as client:
        found = [key for key in client.keys("*") if name in key]
        found += [field for key in client.keys("*:scope:*") for field in client.hkeys(key) if name in field]
        return found + [member for member in client.zrange("ds:shop:processes", 0, -1) if name in member]


def check_dead_process_is_removed_by_another() -> None:
    be_quick()
    with RedisServer() as server, Brokers(server.url) as brokers:
        (one, _), (other, _) = brokers.make(), brokers.make()
        one.note_streams("ann", "a", 2)
        one.note_streams("ann", None, 1)
        one.note_streams("b\0ob", "b", 1)
        other.note_streams("carl", "c", 1)
        # On a busy machine one that misses its heartbeats is taken for dead, and says everything again.
        wait_until(lambda: other.count_elsewhere("ann", None) == 3 and len(keys_of(server, one)) == 6)

        vanish(one)
        wait_until(lambda: keys_of(server, one) == [])
        assert other.count_elsewhere("ann", None) == 0
        assert other.count_tabs_elsewhere() == 0
        wait_until(lambda: keys_of(server, other))


def check_death_of_a_process_without_streams_is_told() -> None:
    be_quick()
    with RedisServer() as server, Brokers(server.url) as brokers:
        (one, _), (other, others), (closed, _) = brokers.make(), brokers.make(), brokers.make()
        for broker in (one, other, closed):
            broker.enlist()
            wait_until(lambda broker=broker: keys_of(server, broker))  # type: ignore[misc]
        closed.close()
        assert keys_of(server, closed) == []
        before = others.losses

        vanish(one)
        wait_until(lambda: keys_of(server, one) == [])
        assert others.losses > before


def check_dead_process_does_not_count_although_nobody_removes_it() -> None:
    be_quick()
    with RedisServer() as server, Brokers(server.url) as brokers:
        (one, _), (other, _) = brokers.make(), brokers.make()
        one.note_streams("ann", "a", 2)
        wait_until(lambda: other.count_elsewhere("ann", None) == 2)
        wait_until(lambda: other.count_tabs_elsewhere() == 1)
        wait_until(lambda: other.scopes_elsewhere() == {"ann"})

        vanish(one)
        # The other one has no streams, so no heartbeat either.
        wait_until(lambda: other.count_elsewhere("ann", None) == 0)
        assert other.scopes_elsewhere() == set()
        assert other.count_tabs_elsewhere() == 0
        assert keys_of(server, one)


def check_heartbeat_keeps_a_process_alive() -> None:
    # Longer than any pause of a busy machine, in which no heart beats.
    be_quick(alive_seconds=4)
    with RedisServer() as server, Brokers(server.url) as brokers:
        (one, _), (other, _) = brokers.make(), brokers.make()
        one.note_streams("ann", "a", 2)
        other.note_streams("ann", "b", 1)
        wait_until(lambda: other.count_elsewhere("ann", None) == 2)
        until = time.monotonic() + 1.5 * redis_presence.ALIVE_SECONDS
        while time.monotonic() < until:
            assert other.count_elsewhere("ann", None) == 2
            assert other.count_tabs_elsewhere() == 1
            time.sleep(0.05)


def check_process_that_was_taken_for_dead_says_everything_again() -> None:
    be_quick()
    with RedisServer() as server, Brokers(server.url) as brokers:
        (one, _), (other, _) = brokers.make(), brokers.make()
        one.note_streams("ann", "a", 2)
        wait_until(lambda: other.count_elsewhere("ann", None) == 2)
        with server.client() as client:
            client.flushall()

        wait_until(lambda: other.count_elsewhere("ann", None) == 2)
        wait_until(lambda: other.count_tabs_elsewhere() == 1)


def check_removal_that_broke_off_is_made_good() -> None:
    be_quick()
    with RedisServer() as server, Brokers(server.url) as brokers:
        (one, _), (other, _) = brokers.make(), brokers.make()
        one.note_streams("ann", "a", 2)
        one.note_streams("ann", None, 1)
        wait_until(lambda: other.count_elsewhere("ann", None) == 3)
        for kind in ("tabs", "scopes"):
            with server.client() as client:
                # As by one that took this process for dead, and died itself before it had removed all.
                client.delete("ds:shop:scope:ann", f"ds:shop:{kind}:{one.process}")

            wait_until(lambda: other.count_elsewhere("ann", None) == 3)
            wait_until(lambda: other.count_tabs_elsewhere() == 1)


def check_heartbeat_survives_an_outage() -> None:
    be_quick()
    with RedisServer() as server, Brokers(server.url, timeout_seconds=30) as brokers:
        (one, _), (other, _) = brokers.make(), brokers.make()
        one.note_streams("ann", "a", 2)
        wait_until(lambda: other.count_elsewhere("ann", None) == 2)
        server.kill()
        wait_until(lambda: not one.stats()["connected"])
        server.start()
        wait_until(lambda: other.count_elsewhere("ann", None) == 2)


def check_keys_are_forgotten_if_all_die() -> None:
    with RedisServer() as server, Brokers(server.url) as brokers:
        one, _ = brokers.make()
        one.note_streams("ann", "a", 2)
        one.note_streams("ann", None, 2)
        with server.client() as client:
            wait_until(lambda: len(client.keys("*")) == 4)
            wait_until(lambda: all(client.ttl(key) > 3600 for key in client.keys("*")))


def check_forked_child_ends_whatever_its_parent_was_about_to_do() -> None:
    with RedisServer() as server, Brokers(server.url) as brokers:
        one, inbox = brokers.make()
        one.subscribe("news")
        one.note_streams("ann", "a", 1)
        locks: Any = [one._presence._lock, one._commands._lock, one._listener._lock]  # type: ignore[attr-defined]
        with held(*locks):
            child = start_child(one.close)
        finish_child(child)
        send(one, b"1")
        inbox.wait_for(b"1")


def check_forked_child_leaves_its_parent_alone() -> None:
    with RedisServer() as server, Brokers(server.url) as brokers:
        (one, inbox), (other, _) = brokers.make(), brokers.make()
        one.subscribe("news")
        one.note_streams("ann", "a", 2)
        send(one, b"1")
        inbox.wait_for(b"1")
        wait_until(lambda: other.count_elsewhere("ann", None) == 2)

        def child() -> None:
            one.close()
            with Brokers(server.url) as own:
                broker, own_taker = own.make()
                broker.subscribe("news")
                for number in range(100):
                    send(broker, b"%d" % number)
                send(broker, b"of the child")
                own_taker.wait_for(b"of the child")
                assert broker.count_elsewhere("ann", None) == 2

        run_in_child(child)
        inbox.wait_for(b"of the child")
        # What is left in the child of the parent's greenlets has taken none of them.
        assert inbox.data == [b"1", *(b"%d" % number for number in range(100)), b"of the child"]
        send(one, b"2")
        inbox.wait_for(b"2")
        assert other.count_elsewhere("ann", None) == 2
        assert inbox.catch_ups == 0


def check_forked_child_takes_none_of_its_parents_answers() -> None:
    with RedisServer() as server, Brokers(server.url, timeout_seconds=5) as brokers:
        one: Any = brokers.make()[0]
        send(one, b"0")
        for _ in range(4):
            server.freeze()
            publishing = threading.Thread(target=send, args=(one, b"1"))
            publishing.start()
            wait_until(lambda: one._commands._client.connection_pool._in_use_connections)
            run_in_child(partial(thaw, server))
            publishing.join()
        assert one.stats()["failed"] == 0
        assert one.stats()["published"] == 5


def thaw(server: RedisServer) -> None:
    """Let a server go on when the copies of greenlets that a forked child has under gevent wait for it, too."""
    time.sleep(0.05)
    server.thaw()
    time.sleep(0.2)
