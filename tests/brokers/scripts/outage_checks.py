"""Checks of the Redis broker whose server dies, hangs, refuses, or is not there yet."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from flask_datastar.brokers import Broker, redis_listener, redis_own
from flask_datastar.brokers.payload import Payload
from flask_datastar.errors import BrokerError, ConfigError
from flask_datastar.testing import Brokers, Inbox
from flask_datastar.testing.brokers import send
from flask_datastar.testing.waiting import run_all, wait_until
from flask_datastar.transport.wakeups import spawn
from tests.brokers.redis_server import RedisServer

SIDE_BY_SIDE = 4
#: The longest wait for Redis where it is waited for, because it hangs: so long that what does not wait for it stays
#: below also on a busy machine.
HANGS_SECONDS = 3
#: And where nothing waits for it, because it answers or refuses at once.
PATIENT_SECONDS = 30
# What is logged of an outage is looked at by one check, and printed by none.
logging.getLogger("flask_datastar").addHandler(logging.NullHandler())


class Texts(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


def error_of(broker: Broker, data: bytes = b"x") -> tuple[str, float]:
    """Publish where that fails; give the error's text, and the seconds that it took."""
    begin = time.monotonic()
    try:
        send(broker, data)
    except BrokerError as error:
        return str(error), time.monotonic() - begin
    raise AssertionError("published")


def publish_when_possible(broker: Broker, data: bytes, *, channel: str = "news") -> None:
    def is_published() -> bool:
        try:
            send(broker, data, channel=channel)
        except BrokerError:
            return False
        return True

    wait_until(is_published)


@contextmanager
def made(timeout_seconds: float = PATIENT_SECONDS, *options: str) -> Iterator[tuple[RedisServer, Brokers]]:
    with RedisServer(*options) as server, Brokers(server.url, timeout_seconds=timeout_seconds) as brokers:
        yield server, brokers


# A server that dies


def check_killed_server_is_found_again() -> None:
    with made() as (server, brokers):
        (one, inbox), (other, other_taker) = brokers.make(), brokers.make()
        for broker in (one, other):
            for number in range(20):
                broker.subscribe(f"news{number}")
            send(broker, b"before", channel="news0")
        subscribed: list[list[bytes]] = []
        inbox.on_catch_up = lambda: subscribed.append(server.channels())

        # Or they would be lost on their way.
        inbox.wait_for(b"before", 2)
        other_taker.wait_for(b"before")
        server.kill()
        wait_until(lambda: not one.stats()["connected"] and not other.stats()["connected"])
        assert "refused" in error_of(one)[0]
        assert inbox.data[-1] == b"x"
        server.start()

        wait_until(lambda: inbox.catch_ups and other_taker.catch_ups)
        names = [name.rsplit(b":", 1)[1] for name in subscribed[0]]
        assert {b"news%d" % number for number in range(20)} <= set(names)
        publish_when_possible(other, b"after", channel="news7")
        inbox.wait_for(b"after")
        wait_until(lambda: one.stats()["connected"])
        assert (inbox.catch_ups, other_taker.catch_ups) == (1, 1)
        assert len(subscribed) == 1
        assert inbox.data.count(b"before") == 2


def check_each_outage_is_made_good_once() -> None:
    with made() as (server, brokers):
        one, inbox = brokers.make()
        one.subscribe("news")
        for outage in range(1, 4):
            server.kill()
            wait_until(lambda: not one.stats()["connected"])
            if outage == 2:
                error_of(one)
            server.start()
            wait_until(lambda outage=outage: inbox.catch_ups >= outage)
            wait_until(lambda: one.stats()["connected"])
            send(one, b"%d" % outage)
            inbox.wait_for(b"%d" % outage)
            assert inbox.catch_ups == outage


def check_restart_is_made_good_though_nothing_was_sent_meanwhile() -> None:
    # redis-py connects anew by itself before the next command: only the listener has noticed.
    with made() as (server, brokers):
        (one, inbox), (other, _) = brokers.make(), brokers.make()
        one.subscribe("news")
        one.note_streams("ann", "tab", 2)
        one.note_streams("ann", None, 1)
        wait_until(lambda: other.count_elsewhere("ann", None) == 3)

        server.kill()
        server.start()

        wait_until(lambda: inbox.catch_ups == 1)
        wait_until(lambda: other.count_elsewhere("ann", None) == 3)
        wait_until(lambda: other.count_tabs_elsewhere() == 1)
        send(one, b"1")
        assert inbox.catch_ups == 1


def check_presence_is_written_again_as_it_is_then() -> None:
    with made() as (server, brokers):
        (one, inbox), (other, other_taker) = brokers.make(), brokers.make()
        one.subscribe("news")
        other.subscribe("news")
        one.note_streams("ann", "gone", 1)
        one.note_streams("ann", "stays", 1)
        wait_until(lambda: other.count_tabs_elsewhere() == 2)

        server.kill()
        wait_until(lambda: not one.stats()["connected"])
        error_of(one)
        one.note_streams("ann", "gone", 0)
        one.note_streams("ann", "new", 2)
        server.start()

        wait_until(lambda: inbox.catch_ups and other_taker.catch_ups)
        wait_until(lambda: other.count_elsewhere("ann", None) == 3)
        wait_until(lambda: other.count_tabs_elsewhere() == 2)


def check_what_ended_unheard_is_taken_back() -> None:
    # Redis keeps its data here: what could not be deleted is still there.
    with made(HANGS_SECONDS) as (server, brokers):
        (one, inbox), (other, _) = brokers.make(), brokers.make()
        one.subscribe("news")
        one.note_streams("ann", "gone", 1)
        one.note_streams("ann", None, 1)
        one.note_streams("ann", "stays", 1)
        wait_until(lambda: other.count_elsewhere("ann", None) == 3)

        server.freeze()
        error_of(one)
        one.note_streams("ann", "gone", 0)
        one.note_streams("ann", None, 0)
        server.thaw()

        wait_until(lambda: inbox.catch_ups == 1)
        wait_until(lambda: other.count_elsewhere("ann", None) == 1)
        wait_until(lambda: other.count_tabs_elsewhere() == 1)


def check_load_survives_an_outage() -> None:
    with made() as (server, brokers):
        (one, inbox), (other, _) = brokers.make(), brokers.make()
        one.subscribe("news")
        until = [time.monotonic() + 60]
        failed: list[bytes] = []

        def publish(number: int) -> None:
            count = 0
            while time.monotonic() < until[0]:
                data = b"%d:%05d" % (number, count)
                count += 1
                try:
                    send(one, data)
                except BrokerError:
                    failed.append(data)
                time.sleep(0.002)

        def break_down() -> None:
            wait_until(lambda: len(inbox.data) > 50)
            server.kill()
            wait_until(lambda: len(failed) > 10)
            server.start()
            wait_until(lambda: inbox.catch_ups == 1)
            publish_when_possible(other, b"9:from the other")
            inbox.wait_for(b"9:from the other")
            until[0] = 0

        run_all([partial(publish, 0), partial(publish, 1), break_down])
        # Own messages: each once, whatever Redis did, and those of one publisher in order.
        send(one, b"9:end")
        inbox.wait_for(b"9:end")
        for number in (0, 1):
            own = [data for data in inbox.data if data.startswith(b"%d:" % number)]
            assert own == [b"%d:%05d" % (number, count) for count in range(len(own))]
        assert inbox.catch_ups == 1


# A server that hangs


def check_frozen_server_holds_nobody_up() -> None:
    with made(HANGS_SECONDS) as (server, brokers):
        (one, inbox), (other, other_taker) = brokers.make(), brokers.make()
        one.subscribe("news")
        other.subscribe("news")
        send(one, b"before")
        other_taker.wait_for(b"before")

        server.freeze()
        delivered: list[float] = []
        begin = time.monotonic()
        spawn(lambda: (inbox.wait_for(b"late"), delivered.append(time.monotonic() - begin)), "waiter")
        text, seconds = error_of(one, b"late")
        assert f"not responded within {HANGS_SECONDS} s" in text or "Timeout" in text
        assert HANGS_SECONDS - 0.1 < seconds < 2 * HANGS_SECONDS
        wait_until(lambda: delivered)
        assert delivered[0] < seconds - 0.1, "not before the error, although nobody waits for Redis here"
        # Those after it do not wait each.
        begin = time.monotonic()
        for number in range(50):
            error_of(one, b"%d" % number)
        one.subscribe("other news")
        assert one.count_elsewhere("ann", None) == 0
        one.note_streams("ann", "tab", 1)
        one.unsubscribe("other news")
        one.subscribe("yet other news")
        assert time.monotonic() - begin < HANGS_SECONDS
        assert inbox.data == [b"before", b"late", *(b"%d" % number for number in range(50))]
        server.thaw()

        publish_when_possible(one, b"after")
        other_taker.wait_for(b"after")
        inbox.wait_for(b"after")
        assert inbox.data.count(b"late") == 1
        assert other_taker.data.count(b"late") <= 1
        wait_until(lambda: inbox.catch_ups == 1)
        publish_when_possible(other, b"last", channel="yet other news")
        inbox.wait_for(b"last")


def check_subscription_that_was_not_confirmed_is_caught_up() -> None:
    with made(HANGS_SECONDS) as (server, brokers):
        one, inbox = brokers.make()
        one.subscribe("news")
        server.freeze()
        begin = time.monotonic()
        for number in range(10):
            one.subscribe(f"news{number}")
        assert time.monotonic() - begin < 2 * HANGS_SECONDS
        assert inbox.catch_ups == 0
        server.thaw()

        wait_until(lambda: inbox.catch_ups == 1)
        with server.client() as client:
            assert len(client.pubsub_channels("*:channel:news*")) == 11
        publish_when_possible(one, b"1", channel="news3")
        inbox.wait_for(b"1")
        assert inbox.catch_ups == 1


def check_unconfirmed_subscription_may_be_given_up() -> None:
    with made(HANGS_SECONDS) as (server, brokers):
        one, inbox = brokers.make()
        one.subscribe("news")
        server.freeze()
        one.subscribe("others")
        one.unsubscribe("others")
        server.thaw()

        wait_until(lambda: inbox.catch_ups >= 1)
        wait_until(lambda: len(server.channels()) == 2)


def check_silent_server_is_asked_and_then_left() -> None:
    redis_listener._SILENCE_SECONDS, redis_listener._LOOK_SECONDS = 0.2, 0.05
    with made(HANGS_SECONDS) as (server, brokers):
        one, inbox = brokers.make()
        one.subscribe("news")
        # Silence alone is no outage: the server answers when it is asked.
        with server.client() as client:
            wait_until(lambda: client.info("commandstats").get("cmdstat_ping", {}).get("calls", 0) > 5)
        assert one.stats()["connected"]

        server.freeze()
        wait_until(lambda: not one.stats()["connected"])
        server.thaw()
        wait_until(lambda: inbox.catch_ups >= 1)
        send(one, b"1")
        inbox.wait_for(b"1")


def check_late_messages_are_delivered_once_and_in_order() -> None:
    redis_own.PATIENCE_SECONDS = 0.02
    with made() as (server, brokers):
        one, inbox = brokers.make()
        one.subscribe("news")
        for pause in range(5):
            server.freeze()
            publishers = [partial(send, one, b"%d:%d" % (pause, number)) for number in range(5)]
            done: list[object] = []
            spawn(partial(run_all, publishers), "publishers")
            wait_until(lambda pause=pause: len(inbox.data) == 5 * pause + 5)
            server.thaw()
            wait_until(lambda: one.stats()["published"] % 5 == 0 and not one._commands._waiting)
            assert done == []
        send(one, b"end")
        inbox.wait_for(b"end")
        assert len(inbox.data) == len(set(inbox.data)) == 26
        assert one.stats()["late"] > 0


# A server that refuses


def check_wrong_password_is_named() -> None:
    with RedisServer(password="right") as server:
        for url in (f"redis://:wrong@127.0.0.1:{server.port}", server.url):
            with Brokers(url, timeout_seconds=PATIENT_SECONDS) as brokers:
                broker, inbox = brokers.make()
                broker.subscribe("news")
                text, seconds = error_of(broker, b"1")
                assert "password" in text or "Authentication required" in text
                assert seconds < PATIENT_SECONDS
                assert inbox.data == [b"1"]
                assert not broker.stats()["connected"]
        with Brokers(f"redis://:right@127.0.0.1:{server.port}", timeout_seconds=PATIENT_SECONDS) as brokers:
            broker, inbox = brokers.make()
            broker.subscribe("news")
            send(broker, b"1")
            inbox.wait_for(b"1")


def check_refused_commands_are_named() -> None:
    with made() as (server, brokers), logged() as texts:
        with server.client() as client:
            client.acl_setuser("default", commands=["+@all", "-publish", "-hset"], enabled=True)
        broker, inbox = brokers.make()
        broker.subscribe("news")
        text, _ = error_of(broker, b"1")
        assert "publish" in text
        assert inbox.data == [b"1"]
        # It is no outage: the next one is tried, and what nobody waits for is logged once.
        assert broker.stats()["connected"]
        for number in range(3):
            broker.note_streams("ann", f"t{number}", 1)
        wait_until(lambda: [text for text in texts if "refuses HSET" in text])
        broker.publish("news", "news", "events", Payload(b"2"), waits=False)
        wait_until(lambda: [text for text in texts if "refuses PUBLISH" in text])
        assert len([text for text in texts if "refuses HSET" in text]) == 1
        with server.client() as client:
            client.acl_setuser("default", commands=["+@all"], enabled=True)
        send(broker, b"3")
        inbox.wait_for(b"3")


def check_read_only_server_is_named() -> None:
    with made() as (server, brokers), logged() as texts:
        with server.client() as client:
            client.config_set("replica-serve-stale-data", "yes")
            client.execute_command("REPLICAOF", "127.0.0.1", "1")
        broker, _ = brokers.make()
        broker.note_streams("ann", "tab", 1)
        wait_until(lambda: [text for text in texts if "read only replica" in text])
        assert broker.count_elsewhere("ann", None) == 0


def check_outage_is_logged_once() -> None:
    with made() as (server, brokers), logged(logging.INFO) as texts:
        broker, inbox = brokers.make()
        broker.subscribe("news")
        server.kill()
        wait_until(lambda: not broker.stats()["connected"])
        # Several attempts later.
        time.sleep(0.5)
        server.start()
        wait_until(lambda: inbox.catch_ups == 1)
        assert len([text for text in texts if "no messages come from Redis" in text]) == 1
        assert len([text for text in texts if "from Redis again" in text]) == 1


@contextmanager
def logged(level: int = logging.WARNING) -> Iterator[list[str]]:
    handler, logger = Texts(), logging.getLogger("flask_datastar")
    logger.addHandler(handler)
    logger.setLevel(level)
    yield handler.texts
    logger.removeHandler(handler)


def check_urls_that_redis_does_not_know_are_refused() -> None:
    for url in ("redis://:secret@host:port/0", "redis://:secret@host/0?db=x", "redis://:secret@host/0?what=1"):
        with pytest.raises(ConfigError, match="DATASTAR_BROKER_URL") as raised:
            Brokers(url).make()
        assert "secret" not in str(raised.value)


def check_options_that_the_broker_chooses_are_refused() -> None:
    for option in ("socket_timeout=60", "protocol=3", "decode_responses=1", "max_connections=9", "retry=1"):
        with pytest.raises(ConfigError, match=f"^DATASTAR_BROKER_URL sets {option.split('=')[0]}, which") as raised:
            Brokers(f"redis://:secret@host/0?{option}").make()
        assert "secret" not in str(raised.value)


# A server that is not there


def check_missing_server_is_named_and_found_when_it_comes() -> None:
    server = RedisServer()
    with Brokers(server.url, timeout_seconds=PATIENT_SECONDS) as brokers:
        (one, inbox), (other, _) = brokers.make(), brokers.make()
        begin = time.monotonic()
        one.subscribe("news")
        text, _ = error_of(one, b"1")
        assert "Connection refused" in text
        one.subscribe("weather")
        one.note_streams("ann", "tab", 1)
        assert one.count_elsewhere("ann", None) == 0
        assert time.monotonic() - begin < PATIENT_SECONDS
        with pytest.raises(BrokerError, match="Connection refused"):
            one.count_tabs_elsewhere()
        assert inbox.data == [b"1"]
        assert inbox.catch_ups == 0

        with server:
            wait_until(lambda: inbox.catch_ups == 1)
            publish_when_possible(other, b"2")
            publish_when_possible(other, b"3", channel="weather")
            inbox.wait_for(b"3")
            assert inbox.data == [b"1", b"2", b"3"]
            wait_until(lambda: other.count_elsewhere("ann", None) == 1)
            assert inbox.catch_ups == 1
            one.close()
            other.close()


def check_server_that_accepts_and_says_nothing_holds_nobody_up() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with Brokers(f"redis://127.0.0.1:{silent.getsockname()[1]}", timeout_seconds=HANGS_SECONDS) as brokers:
            one, inbox = brokers.make()
            begin = time.monotonic()
            for number in range(5):
                one.subscribe(f"news{number}")
                assert one.count_elsewhere("ann", None) == 0
                error_of(one, b"%d" % number)
            # In one request all that waits together waits once.
            assert time.monotonic() - begin < 2 * HANGS_SECONDS
            assert inbox.data == [b"%d" % number for number in range(5)]


def check_who_waited_for_a_subscription_waits_for_nothing_more() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with Brokers(f"redis://127.0.0.1:{silent.getsockname()[1]}", timeout_seconds=0.5) as brokers:
            one: Any = brokers.make()[0]
            # The listener's connection gives up a little before the one that waits for the confirmation.
            one._listener._timeout_seconds = 0.7
            one.subscribe("news")
            assert "has not confirmed" in str(one._commands.down)


def check_close_is_quick_during_an_outage() -> None:
    with made() as (server, brokers):
        one, _ = brokers.make()
        one.subscribe("news")
        one.note_streams("ann", "tab", 1)
        send(one, b"1")
        server.kill()
        error_of(one)
        wait_until(lambda: not one.stats()["connected"])
        begin = time.monotonic()
        one.close()
        assert time.monotonic() - begin < PATIENT_SECONDS / 2
        assert error_of(one)[0] == "Redis cannot be used: the broker is closed"
        one.subscribe("later")


# What comes in


def check_unreadable_messages_are_left_out() -> None:
    with made() as (server, brokers), logged() as texts:
        one, inbox = brokers.make()
        one.subscribe("news")
        with server.client() as client:
            for data in (b"", b"x", b"[1,2]\nx", b'[2,"o",1,"t","k",null]\nx', b'[1,"o",1,"t","k",null]', b"\xff\n"):
                client.publish("ds:shop:channel:news", data)
        send(one, b"1")
        inbox.wait_for(b"1")
        assert inbox.data == [b"1"]
        assert len([text for text in texts if "cannot be read" in text]) == 6


def check_receiver_that_fails_stops_nothing() -> None:
    class Failing(Inbox):
        def receive(self, topic: str, kind: str, payload: Payload) -> None:
            super().receive(topic, kind, payload)
            raise RuntimeError("broken")

        def catch_up(self) -> None:
            super().catch_up()
            raise RuntimeError("broken")

    with made() as (server, brokers), logged() as texts:
        one, _ = brokers.make()
        one.receiver = failing = Failing()
        one.subscribe("news")
        send(one, b"1")
        failing.wait_for(b"1")
        server.kill()
        server.start()
        wait_until(lambda: failing.catch_ups == 1)
        publish_when_possible(one, b"2")
        failing.wait_for(b"2")
        assert [text for text in texts if "catching up after the outage failed" in text]
        assert [text for text in texts if "could not be delivered" in text]
