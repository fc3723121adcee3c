"""Checks of the Redis broker over TLS, with a certificate that somebody made."""

from __future__ import annotations

import logging
import sys
from functools import partial

import pytest

from flask_datastar.errors import BrokerError
from tests.brokers.contract import Brokers, say
from tests.brokers.redis_server import RedisServer
from tests.support.checks import run_all

# What is logged of a refusal is no output of a check.
logging.getLogger("flask_datastar").addHandler(logging.NullHandler())


def check_certificate_that_is_named_is_trusted() -> None:
    with RedisServer() as server, Brokers(server.tls_url) as brokers:
        (one, taker), (other, _) = brokers.make(), brokers.make()
        one.subscribe("news")
        say(other, b"x" * 1_048_576)
        say(other, b"1")
        taker.wait_for(b"1")
        assert [len(data) for data in taker.data] == [1_048_576, 1]
        with server.client() as client:
            named = [one for one in client.client_list() if one["name"] == "flask-datastar"]
        assert len(named) == 2
        assert {one["laddr"].rpartition(":")[2] for one in named} == {server.tls_url.split("/")[2].rpartition(":")[2]}


def check_certificate_of_somebody_else_is_refused() -> None:
    with RedisServer() as server, Brokers(server.tls_url.partition("?")[0]) as brokers:
        broker, taker = brokers.make()
        broker.subscribe("news")
        with pytest.raises(BrokerError, match="CERTIFICATE_VERIFY_FAILED"):
            say(broker, b"1")
        assert taker.data == [b"1"]


def check_subscribing_while_messages_come_breaks_nothing() -> None:
    # One connection is read by one thread while others write to it, at the same moment if they may.
    sys.setswitchinterval(1e-5)
    with RedisServer() as server, Brokers(server.tls_url) as brokers:
        (one, taker), (other, _) = brokers.make(), brokers.make()
        one.subscribe("news")

        def publish(number: int) -> None:
            for count in range(1500):
                say(other, b"%d:%d" % (number, count) * 20)

        def come_and_go(number: int) -> None:
            for count in range(1500):
                one.subscribe(f"{number}:{count}")
                one.unsubscribe(f"{number}:{count}")

        run_all([partial(act, number) for number in range(4) for act in (publish, come_and_go)])
        say(other, b"end")
        taker.wait_for(b"end")
        assert len(taker.data) == 6001
        assert taker.catch_ups == 0
