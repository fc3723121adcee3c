"""``redis://`` keeps what every broker promises, with threads and with gevent, and over all outages."""

from __future__ import annotations

import gc
import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis, RedisError

from flask_datastar.brokers import BrokerOptions, redis_client, redis_own
from flask_datastar.brokers.schemes import make_broker
from flask_datastar.testing import Brokers, Inbox, SharedBrokerContract
from flask_datastar.testing.brokers import send
from flask_datastar.testing.waiting import wait_until
from tests.brokers.redis_server import RedisServer
from tests.brokers.scripts import (
    contract_checks,
    failover_checks,
    hostile_checks,
    outage_checks,
    presence_checks,
    tls_checks,
    unpatched_checks,
)
from tests.transport.checks import all_checks, run_check

pytestmark = pytest.mark.redis


def send_into_the_void(broker: Any, data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Send what Redis gives to nobody, as when it reads it after the end of the subscription that it should come on."""
    with monkeypatch.context() as patch:
        patch.setattr(broker._commands, "call", lambda *_: None)
        send(broker, data)


class TestRedisBroker(SharedBrokerContract):
    @pytest.fixture
    def brokers(self, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Brokers]:
        # Whatever else the machine does: nothing counts as late.
        monkeypatch.setattr(redis_own, "PATIENCE_SECONDS", 30)
        with Brokers(redis_server.url) as brokers:
            yield brokers
        # What is closed leaves nothing in the server.
        assert redis_server.keys() == []
        wait_until(lambda: redis_server.channels() == [])

    def test_process_has_two_connections(self, brokers: Brokers, redis_server: RedisServer) -> None:
        broker, _ = brokers.make()
        for number in range(20):
            broker.subscribe(f"news{number}")
            send(broker, b"1")
        broker.note_streams("ann", "tab", 1)
        broker.count_tabs_elsewhere()

        # Brokers that earlier tests have dropped close their connections when they are collected.
        gc.collect()
        with redis_server.client() as client:
            # Those of the test before are closed; the server may notice it only now.
            wait_until(lambda: [one["name"] for one in client.client_list()].count("flask-datastar") == 2)
        assert broker.stats() == {"connected": True, "published": 20, "received": 0, "late": 0, "failed": 0}

    def test_only_what_is_listened_to_is_subscribed(self, brokers: Brokers, redis_server: RedisServer) -> None:
        (one, _), (other, _) = brokers.make(), brokers.make()
        one.subscribe("news")
        one.subscribe("weather")
        send(other, b"1")
        one.unsubscribe("weather")

        wait_until(lambda: b"ds:shop:channel:weather" not in redis_server.channels())
        # And the one by which a connection without any takes messages at all.
        own = f"ds:shop:channel:\0{one.process}".encode()  # type: ignore[attr-defined]
        assert redis_server.channels() == sorted([own, b"ds:shop:channel:news"])

    def test_nothing_is_opened_before_its_first_use(self, brokers: Brokers, redis_server: RedisServer) -> None:
        with redis_server.client() as client:
            before = client.info("stats")["total_connections_received"]
            brokers.make()[0].close()
            assert client.info("stats")["total_connections_received"] == before

    def test_message_lost_with_a_connection_comes_before_those_on_the_next(
        self, brokers: Brokers, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        broker, inbox = brokers.make()
        broker.subscribe("news")
        send_into_the_void(broker, b"1", monkeypatch)
        with redis_server.client() as client:
            client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        wait_until(lambda: inbox.catch_ups)
        send(broker, b"2")
        inbox.wait_for(b"2")
        assert inbox.data == [b"1", b"2"]

    def test_message_lost_with_a_subscription_comes_before_those_of_the_next(
        self, brokers: Brokers, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        broker, inbox = brokers.make()
        broker.subscribe("news")
        send_into_the_void(broker, b"1", monkeypatch)
        broker.unsubscribe("news")
        broker.subscribe("news")
        send(broker, b"2")
        inbox.wait_for(b"2")
        assert inbox.data == [b"1", b"2"]


def test_rights_that_the_documentation_names_are_enough(redis_server: RedisServer) -> None:
    page = (Path(__file__).parents[2] / "docs/howto/brokers.md").read_text(encoding="utf-8")
    (rights,) = re.findall(r"^ACL SETUSER shop (.+)$", page, re.MULTILINE)
    with Redis(port=redis_server.port, db=1) as client:
        client.execute_command("ACL", "SETUSER", "shop", "reset", *rights.split())
        client.acl_log_reset()
        # What a process has left that was killed.
        client.zadd("ds:shop:processes", {"dead": 1})
        client.sadd("ds:shop:tabs:dead", "tab\0ann")
        client.hset("ds:shop:scope:ann", "dead\0tab", 1)
        with Brokers(f"redis://shop:password@127.0.0.1:{redis_server.port}/1") as brokers:
            (one, inbox), (other, _) = brokers.make(), brokers.make()
            one.subscribe("news")
            one.note_streams("ann", "tab", 1)
            wait_until(lambda: client.zrange("ds:shop:processes", 0, -1) == [one.process.encode()])  # type: ignore[attr-defined]
            wait_until(lambda: other.count_elsewhere("ann", None) == other.count_tabs_elsewhere() == 1)
            send(other, b"1")
            inbox.wait_for(b"1")
            one.unsubscribe("news")
            assert one.claim("click", b"1", 60) is None
            assert other.claim("click", b"2", 60) == b"1"
            one.keep("click", b"3", 60)
            assert one.look_up("click") == b"3"
            one.drop("click")
        wait_until(lambda: client.keys("*") == [])
        # Neither a command, a key nor a channel was refused; redis-py does without telling its own version.
        assert [refused for refused in client.acl_log() if refused["object"] != "client|setinfo"] == []
        client.acl_deluser("shop")


@all_checks(contract_checks, "gevent")
def test_contract_holds_for_greenlets(kind: str, name: str) -> None:
    run_check(contract_checks, kind, name)


@all_checks(outage_checks, "threads", "gevent")
def test_outages_are_survived(kind: str, name: str) -> None:
    run_check(outage_checks, kind, name)


@all_checks(failover_checks, "threads", "gevent")
def test_failover_is_followed(kind: str, name: str) -> None:
    run_check(failover_checks, kind, name)


@all_checks(presence_checks, "threads", "gevent")
def test_presence_holds(kind: str, name: str) -> None:
    run_check(presence_checks, kind, name)


@all_checks(hostile_checks, "threads", "gevent")
def test_what_no_process_writes_is_skipped(kind: str, name: str) -> None:
    run_check(hostile_checks, kind, name)


@all_checks(tls_checks, "threads", "gevent")
def test_tls_holds(kind: str, name: str) -> None:
    run_check(tls_checks, kind, name)


@all_checks(unpatched_checks, "threads")
def test_gevent_without_its_patches_is_refused(kind: str, name: str) -> None:
    run_check(unpatched_checks, kind, name)


def test_outage_that_begins_while_another_one_is_made_good_is_made_good_too(monkeypatch: pytest.MonkeyPatch) -> None:
    inbox = Inbox()
    broker: Any = make_broker("redis://127.0.0.1:1", inbox, BrokerOptions("shop"))
    beginning = threading.Thread(target=broker._lose)

    class Listener:
        retry = staticmethod(lambda: None)

        @property
        def has_gap(self) -> bool:
            if not inbox.catch_ups and not beginning.ident:
                beginning.start()
                # Time enough to begin; or it waits for its turn.
                beginning.join(0.2)
            return False

    monkeypatch.setattr(broker, "_listener", Listener())
    broker._lose()
    broker._restore()
    beginning.join()
    assert inbox.catch_ups == 1
    broker._restore()
    assert inbox.catch_ups == 2
    broker._restore()
    assert inbox.catch_ups == 2


def test_server_that_refuses_more_than_writing_can_be_used(redis_server: RedisServer) -> None:
    with redis_server.client() as client:
        redis_client.check_usable(client, ("EXPIRE", "ds:shop:processes", 1))
        # Whatever it does not allow or know, it is no replica.
        redis_client.check_usable(client, ("NO-SUCH-COMMAND",))
    with pytest.raises(RedisError):
        redis_client.check_usable(Redis(port=1), ("PING",))


def test_missing_server_program_fails_with_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)

    with pytest.raises(RuntimeError, match="redis-server is needed"):
        RedisServer()
