"""Checks of the Redis broker over TLS, with a certificate that somebody made."""

from __future__ import annotations

import logging
import sys
from functools import partial

import pytest

from flask_datastar.errors import BrokerError
from flask_datastar.testing import Brokers
from flask_datastar.testing.brokers import send
from flask_datastar.testing.waiting import run_all
from tests.brokers.redis_server import RedisServer

# What is logged of a refusal is no output of a check.
logging.getLogger("flask_datastar").addHandler(logging.NullHandler())


def check_certificate_that_is_named_is_trusted() -> None:
    with RedisServer() as server, Brokers(server.tls_url) as brokers:
        (one, inbox), (other, _) = brokers.make(), brokers.make()
        one.subscribe("news")
        send(other, b"x" * 1_048_576)
        send(other, b"1")
        inbox.wait_for(b"1")
        assert [len(data) for data in inbox.data] == [1_048_576, 1]
        with server.client() as client:
            named = [one for one in client.client_list() if one["name"] == "flask-datastar"]
        assert len(named) == 2
        assert {one["laddr"].rpartition(":")[2] for one in named} == {server.tls_url.split("/")[2].rpartition(":")[2]}


def check_certificate_of_somebody_else_is_refused() -> None:
    with RedisServer() as server, Brokers(server.tls_url.partition("?")[0]) as brokers:
        broker, inbox = brokers.make()
        broker.subscribe("news")
        with pytest.raises(BrokerError, match="CERTIFICATE_VERIFY_FAILED"):
            send(broker, b"1")
        assert inbox.data == [b"1"]


def check_subscribing_while_messages_come_breaks_nothing() -> None:
    # One connection is read by one thread while others write to it, at the same moment if they may.
    sys.setswitchinterval(1e-5)
    with RedisServer() as server, Brokers(server.tls_url) as brokers:
        (one, inbox), (other, _) = brokers.make(), brokers.make()
        one.subscribe("news")

        def publish(number: int) -> None:
            for count in range(1500):
                send(other, b"%d:%d" % (number, count) * 20)

        def come_and_go(number: int) -> None:
            for count in range(1500):
                one.subscribe(f"{number}:{count}")
                one.unsubscribe(f"{number}:{count}")

        run_all([partial(act, number) for number in range(4) for act in (publish, come_and_go)])
        send(other, b"end")
        inbox.wait_for(b"end")
        assert len(inbox.data) == 6001
        assert inbox.catch_ups == 0
