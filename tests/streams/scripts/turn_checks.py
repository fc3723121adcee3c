"""Checks that a stream that works without rest leaves time for all others, and for who notices that it is to end."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

from flask import Flask

from flask_datastar import Datastar
from flask_datastar.testing.waiting import DEADLINE_SECONDS
from flask_datastar.transport.wakeups import make_wakeup, spawn
from tests.support.wsgi import call

Work = Callable[[Datastar, Callable[[], bool]], Iterator[Any]]


def work(seconds: float) -> None:
    """Take the processor for so long, without letting any other greenlet run."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def run(stream_of: Work, *, leaves: bool = False) -> None:
    """Serve a stream that works until somebody else has run, or its time is up, which is an error."""
    app = Flask("shop")
    datastar = Datastar(app)
    has_run, has_ended = make_wakeup(), make_wakeup()
    server, client = socket.socketpair()

    @datastar.stream(group="g")
    def stream() -> Iterator[Any]:
        end = time.monotonic() + DEADLINE_SECONDS
        if leaves:
            client.close()
        else:
            spawn(has_run.set, "other")

        yield from stream_of(datastar, lambda: not has_run.wait(0) and time.monotonic() < end)
        if time.monotonic() >= end:
            print("nobody else has had a turn")

    def serve() -> None:
        body = call(app, "/ds/g/stream", **{"werkzeug.socket": server})[2]
        for _ in body:
            pass
        body.close()
        server.close()
        has_ended.set()

    spawn(serve, "server")
    assert has_ended.wait(2 * DEADLINE_SECONDS)
    client.close()


def late_ticks(datastar: Datastar, goes_on: Callable[[], bool]) -> Iterator[Any]:
    """Work for longer than the period of its ticks."""
    for _ in datastar.every(0.001):
        work(0.002)
        if not goes_on():
            return
    yield


def check_ticks_that_are_always_late_let_others_run() -> None:
    run(late_ticks)


def check_messages_without_end_let_others_run() -> None:
    def stream_of(datastar: Datastar, goes_on: Callable[[], bool]) -> Iterator[Any]:
        messages = datastar.subscribe("news")
        datastar.publish("news")
        for _ in messages:
            datastar.publish("news")
            if not goes_on():
                return
        yield

    run(stream_of)


def check_ticks_that_are_always_late_end_with_their_client() -> None:
    run(late_ticks, leaves=True)


def check_connection_is_checked_while_the_stream_works() -> None:
    def stream_of(datastar: Datastar, goes_on: Callable[[], bool]) -> Iterator[Any]:
        while datastar.check_connection() and goes_on():
            work(0.002)
        yield

    run(stream_of, leaves=True)
