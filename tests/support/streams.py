"""Fixtures for streams: connections, the hub, and the check that no stream is left."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from flask_datastar.hub.hub import StreamHub
from flask_datastar.state.app import app_state_of
from flask_datastar.streams.current import hub_of
from flask_datastar.testing.waiting import wait_until
from flask_datastar.transport import leaving
from tests.support.wsgi import Connection

Connect = Callable[..., Connection]


@pytest.fixture(scope="session", autouse=True)
def watcher() -> None:
    """Start the thread that watches connections. It lives as long as the process, so it is not a leak of a test."""
    one, other = socket.socketpair()
    with one, other:
        watch = leaving.watch(one, lambda: None)
        assert watch is not None
        watch.cancel()


def hub_for(app: Flask) -> StreamHub:
    """Return the hub of an app in this process."""
    return hub_of(app_state_of(app))


def wait_subscribed(app: Flask, topic: str = "news", count: int = 1) -> None:
    """Wait until a topic has so many subscribers: a generator subscribes when its stream is open already."""
    wait_until(lambda: hub_for(app).topics.count(topic) >= count)


@pytest.fixture
def hub(app: Flask) -> StreamHub:
    """The hub of the test's app."""
    return hub_for(app)


@pytest.fixture
def connect(app: Flask) -> Iterator[Connect]:
    """Open streams of the app; after the test all are closed, and no stream or subscription may be left."""
    made: list[tuple[Flask, Connection]] = []

    def connect(path: str, *, app: Flask = app, **options: Any) -> Connection:
        connection = Connection(app, path, **options)
        made.append((app, connection))
        return connection

    yield connect
    for _, connection in made:
        connection.close()
    for owner in {id(owner): owner for owner, _ in made}.values():
        assert_nothing_is_left(owner)


def assert_nothing_is_left(app: Flask) -> None:
    """Check that no stream is open and no topic has subscribers."""
    hub = hub_for(app)
    assert hub.stats()["open"] == 0
    assert hub.tabs.snapshot() == []
    assert hub.topics.is_empty
