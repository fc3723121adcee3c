"""Streams of several processes on one Redis, and pages that show what is in a database that all of them share."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import click
from flask import Flask, Response, g, request

from flask_datastar import Datastar
from flask_datastar.brokers import redis_own, redis_presence
from flask_datastar.errors import BrokerError
from flask_datastar.sending import SendingMethods

app = Flask(__name__)
app.config.update(
    SECRET_KEY="only for tests",
    # Far beyond every deadline of the tests: nothing that they wait for is noticed by a write.
    DATASTAR_KEEPALIVE_SECONDS=60,
    DATASTAR_MAX_STREAMS=5000,
    DATASTAR_RESTART_SPREAD_SECONDS=2,
)
app.config["DATASTAR_BROKER_ON_FAILURE"] = "raise"
app.config.from_prefixed_env("EXTRA")
datastar = Datastar(app)

if "PATIENCE" in app.config:
    redis_own.PATIENCE_SECONDS = app.config["PATIENCE"]
if "PRESENCE" in app.config:
    redis_presence.BEAT_SECONDS, redis_presence.ALIVE_SECONDS = app.config["PRESENCE"]

_CHANGE = "INSERT INTO topics VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET number = number + 1 RETURNING number"


def execute(statement: str, *values: object) -> Any:
    """Execute one statement, commit, and give the first number of its result; 0 without one."""
    with closing(sqlite3.connect(app.config["DATABASE"], timeout=20)) as database, database:
        database.execute("CREATE TABLE IF NOT EXISTS topics (name TEXT PRIMARY KEY, number INTEGER)")
        return (database.execute(statement, values).fetchone() or [0])[0]


def state_of(topic: str) -> int:
    return int(execute("SELECT number FROM topics WHERE name = ?", topic))


@app.before_request
def note_begin() -> None:
    g.begin = time.monotonic()


@app.after_request
def say_seconds(response: Response) -> Response:
    """Tell how long the request took, without its wait for a worker that was just starting."""
    response.headers["X-Seconds"] = f"{time.monotonic() - g.begin:.3f}"
    return response


@app.errorhandler(BrokerError)
def say_failed(error: BrokerError) -> str:
    return "failed"


def scope() -> str:
    return request.args.get("scope", "")


@datastar.stream(group="t", scope=scope)
def follow(topic: str) -> Any:
    """Forward what is broadcast; after a gap say so."""

    def say_gap(out: SendingMethods[None]) -> None:
        out.patch_signals({"gap": state_of(topic)})

    feed = datastar.follow(topic, on_gap=say_gap)
    datastar.patch_signals({"pid": os.getpid()})
    return feed


@datastar.stream(group="t", scope=scope)
def listen(topic: str) -> Iterator[None]:
    """Wait in a generator for what is published."""
    messages = datastar.subscribe(topic)
    datastar.patch_signals({"pid": os.getpid()})
    yield
    for message in messages:
        if message is not None:
            datastar.patch_signals(message.data)
            yield


@datastar.stream(group="t", scope=scope)
def show(topic: str) -> Iterator[None]:
    """Show the state, again after each change."""
    datastar.patch_signals({"pid": os.getpid()})
    for _ in datastar.changes(topic, at_most_every=0.02):
        datastar.patch_signals({"state": state_of(topic)})
        yield


@app.post("/broadcast")
def broadcast() -> dict[str, Any]:
    """Broadcast and publish numbered messages, and tell whether it failed."""
    topic, first = request.args["topic"], int(request.args.get("first", 0))
    failed = 0
    for number in range(first, first + int(request.args.get("count", 1))):
        message = {"n": number, "by": os.getpid()}
        try:
            if "publish" in request.args:
                datastar.publish(topic, message)
            datastar.broadcast(topic).patch_signals(message)
        except BrokerError:
            failed += 1
    return {"pid": os.getpid(), "failed": failed}


@app.post("/edit")
def edit() -> dict[str, Any]:
    """Change the state, then let everybody know, as far as that is possible; tell how long the latter took."""
    topic = request.args["topic"]
    number, is_failed, begin = execute(_CHANGE, topic), False, time.monotonic()
    try:
        datastar.publish(topic)
    except BrokerError:
        is_failed = True
    return {"pid": os.getpid(), "state": number, "failed": is_failed, "seconds": time.monotonic() - begin}


@app.get("/state")
def state() -> str:
    return str(state_of(request.args["topic"]))


def only() -> dict[str, str]:
    """Return the tab that is meant, if it is not all of them."""
    return {"tab": request.args["only"]} if "only" in request.args else {}


@app.post("/tell")
def tell() -> dict[str, Any]:
    """Send something to one user, or to one of its tabs."""
    out = datastar.broadcast_to(request.args["scope"], **only())
    try:
        out.patch_signals({"told": request.args["text"]})
    except BrokerError:
        return {"pid": os.getpid(), "failed": 1}
    return {"pid": os.getpid(), "failed": 0}


@app.post("/close")
def close() -> str:
    is_restart = "restart" in request.args
    return str(datastar.tabs.close(request.args["scope"], **only(), restart=is_restart))


@app.get("/ready")
def ready() -> dict[str, int]:
    return {"pid": os.getpid()}


@app.get("/figures")
def figures() -> dict[str, Any]:
    try:
        everywhere = datastar.tabs.count(everywhere=True)
    except BrokerError:
        everywhere = None
    return {
        "pid": os.getpid(),
        "stats": datastar.stats(),
        "tabs": datastar.tabs.count(),
        "everywhere": everywhere,
    }


@app.cli.command("shout")
@click.argument("topic")
@click.argument("number", type=int)
def shout(topic: str, number: int) -> None:
    """Broadcast from a process that serves nothing."""
    datastar.broadcast(topic).patch_signals({"n": number, "by": os.getpid()})
