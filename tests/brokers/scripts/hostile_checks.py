"""Checks of the Redis broker while somebody else writes to its channels and keys."""

from __future__ import annotations

import json
import logging
from functools import partial

from flask_datastar.brokers import Broker, Payload, redis_presence
from flask_datastar.testing import Brokers
from flask_datastar.testing.waiting import wait_until
from tests.brokers.redis_server import RedisServer
from tests.support.hostile import VALUES, damaged_messages, nested

CHANNEL = b"ds:shop:channel:news"
HEAD = [1, "a", 7, "news", "events", None]
# What is logged is looked at by a check, and printed by none.
logging.getLogger("flask_datastar").addHandler(logging.NullHandler())


def say(broker: Broker, data: bytes, *, channel: str = "news", waits: bool = True) -> None:
    broker.publish(channel, channel, "events", Payload(data), waits=waits)


class Texts(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.WARNING:
            self.texts.append(record.getMessage())


def hostile_messages() -> list[bytes]:
    messages = [nested(), nested() + b"\nx", b"", b"\n", b"[" * 100_000]
    for place in range(len(HEAD)):
        messages += [json.dumps([*HEAD[:place], value, *HEAD[place + 1 :]]).encode() + b"\nx" for value in VALUES]
    return messages + list(damaged_messages(seed=4, count=300))


def check_messages_that_no_process_sends_lose_none_of_the_others() -> None:
    logged = Texts()
    logging.getLogger("flask_datastar").addHandler(logged)
    with RedisServer() as server, Brokers(server.url) as brokers, server.client() as client:
        (one, taker), (other, _) = brokers.make(), brokers.make()
        one.subscribe("news")
        say(other, b"first")
        taker.wait_for(b"first")
        connected = client.info("stats")["total_connections_received"]

        for number, data in enumerate(hostile_messages()):
            client.publish(CHANNEL, data)
            if number % 20 == 0:
                say(other, b"own-%d" % number)
        say(other, b"last")
        taker.wait_for(b"last")

        own = [data for data in taker.data if data.startswith(b"own-")]
        assert own == [b"own-%d" % number for number in range(0, len(hostile_messages()), 20)]
        # No connection was dropped for it, so nothing has to be caught up with.
        assert client.info("stats")["total_connections_received"] == connected
        assert taker.catch_ups == 0
        assert one.stats()["connected"]
    assert all("cannot be read" in text for text in logged.texts), logged.texts
    # The same once, and not all that a stranger can think of.
    assert len(set(logged.texts)) == len(logged.texts) == 10


def check_keys_that_no_process_writes_break_no_count() -> None:
    redis_presence.BEAT_SECONDS = 0.1
    with RedisServer() as server, Brokers(server.url) as brokers, server.client() as client:
        (one, _), (other, _) = brokers.make(), brokers.make()
        one.note_streams("ann", "a", 2)
        wait_until(lambda: other.count_elsewhere("ann", None) == 2)
        client.hset(
            "ds:shop:scope:ann", mapping={b"x\0t": b"many", b"\xff": b"", b"y\0\xff": b"9" * 5000, b"z\0t": b"-7"}
        )
        client.zadd("ds:shop:processes", {b"\xff": 2e9})
        client.sadd(b"ds:shop:tabs:\xff", b"\xff\xfe", b"no NUL", b"t\0bob")

        assert other.count_elsewhere("ann", None) == 2
        assert other.scopes_elsewhere() == {"ann", "bob"}
        assert other.count_tabs_elsewhere() == 4
        # One that counts as dead is removed with all that is said of it.
        client.zadd("ds:shop:processes", {b"\xff": 1})
        wait_until(partial(is_gone, server, b"\xff"))
        # And what is said of one that lives, and is not so, is taken back.
        client.sadd(f"ds:shop:tabs:{one.process}", b"\xff\xfe\0\xff")  # type: ignore[attr-defined]
        client.delete("ds:shop:processes")
        wait_until(lambda: client.smembers(f"ds:shop:tabs:{one.process}") == {b"a\0ann"})  # type: ignore[attr-defined]


def is_gone(server: RedisServer, process: bytes) -> bool:
    with server.client() as client:
        return not client.exists(b"ds:shop:tabs:" + process) and client.zscore("ds:shop:processes", process) is None
