"""Streams of each kind, ways to publish to them, and what the process knows of them."""

from __future__ import annotations

import gc
import os
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

from flask import Flask, request
from greenlet import greenlet

from flask_datastar import Datastar
from flask_datastar.hooks import stream_closed, stream_opened
from flask_datastar.transport.wakeups import is_gevent
from flask_datastar.transport.worker import is_stopping
from tests.support.streams import hub_for

app = Flask(__name__)
app.config.update(
    SECRET_KEY="only for tests",
    # Far beyond every deadline of the tests: nothing that they wait for is noticed by a write.
    DATASTAR_KEEPALIVE_SECONDS=60,
    DATASTAR_MAX_STREAMS=5000,
    DATASTAR_MAX_STREAMS_PER_SCOPE=5000,
)
app.config.from_prefixed_env("EXTRA")
datastar = Datastar(app)

#: The streams that have ended: why, and when by the clock that all processes share.
closed: list[tuple[str, float]] = []
#: How many streams have told that they are open, and not yet that they have ended: that comes after the rest.
untold = 0
#: How many generators ran their ``finally``.
finished: list[float] = []
#: How many functions wait before they give their stream.
waiting: list[None] = []
go = threading.Event()
counting = threading.Lock()


@stream_opened.connect_via(app)
def note_opened(sender: Flask, **_: object) -> None:
    global untold
    with counting:
        untold += 1


@stream_closed.connect_via(app)
def note_closed(sender: Flask, reason: str, **_: object) -> None:
    global untold
    with counting:
        untold -= 1
    closed.append((reason, time.monotonic()))


def scope() -> str:
    return request.args.get("scope", "")


@datastar.stream(group="t", scope=scope)
def follow(topic: str) -> Any:
    """Forward what is broadcast, without a request."""
    feed = datastar.follow(topic)
    datastar.patch_signals({"pid": os.getpid()})
    return feed


@datastar.stream(group="t", scope=scope)
def listen(topic: str) -> Iterator[None]:
    """Wait in a generator for what is published."""
    messages = datastar.subscribe(topic)
    try:
        yield
        for message in messages:
            datastar.patch_signals({"n": message.data})
            yield
    finally:
        finished.append(time.monotonic())


@datastar.stream(group="t", scope=scope)
def forward(topic: str) -> Iterator[None]:
    """Forward what is broadcast from within a generator."""
    feed = datastar.follow(topic)
    try:
        yield
        yield from feed
    finally:
        finished.append(time.monotonic())


@datastar.stream(group="t", scope=scope)
def late(topic: str) -> Any:
    """Be slow to give the stream: not a byte goes out before."""
    feed = datastar.follow(topic)
    waiting.append(None)
    go.wait()
    return feed


@datastar.stream(group="t")
def options() -> Iterator[None]:
    """Tell an option of the connection."""
    connection = request.environ.get("gunicorn.socket") or request.environ["werkzeug.socket"]
    datastar.patch_signals({"timeout": connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)})
    yield


@app.get("/plain")
def plain() -> Any:
    """Open a stream in a view that is not declared as one."""
    return datastar.start_stream(scope(), datastar.follow(request.args["topic"]))


@datastar.handler(group="t")
def work(streams: int = 0) -> Iterator[None]:
    """A handler, not a stream, that is in the middle of something when the worker is to stop.

    :param streams: how many have to end before it goes on.
    """
    datastar.patch_signals({"step": "begun"})
    yield
    while not is_stopping() or len(closed) < streams:
        time.sleep(0.01)
    for step in range(6):
        datastar.patch_signals({"step": step})
        yield
        time.sleep(0.1)
    datastar.patch_signals({"step": "last"})


@app.post("/broadcast")
def broadcast() -> str:
    """Broadcast numbered events, and publish their numbers if it is asked for."""
    first, text = int(request.args.get("first", 0)), "x" * int(request.args.get("size", 0))
    out = datastar.broadcast(request.args["topic"])
    for number in range(first, first + int(request.args["count"])):
        out.patch_signals({"n": number, "text": text})
        if "publish" in request.args:
            datastar.publish(request.args["topic"], number)
    return str(os.getpid())


@app.post("/lines")
def lines() -> str:
    """Broadcast an element that a stranger has filled with line breaks, each of which is 16 bytes on the wire."""
    datastar.broadcast(request.args["topic"]).patch_elements("\n" * int(request.args["count"]), to="note", mode="inner")
    return ""


@app.post("/tell")
def tell() -> str:
    datastar.broadcast_to(request.args["scope"], request.args["only"]).patch_signals({"told": request.args["text"]})
    return ""


@app.post("/close")
def close() -> str:
    return str(datastar.tabs.close(request.args["scope"], request.args["only"]))


@app.post("/go")
def let_go() -> str:
    go.set()
    return ""


@app.post("/forget")
def forget() -> str:
    """Remember nothing of earlier tests."""
    go.clear()
    for found in (closed, finished, waiting):
        found.clear()
    return ""


@app.get("/ready")
def ready() -> str:
    return ""


@app.get("/figures")
def figures() -> dict[str, Any]:
    if "collect" in request.args:
        gc.collect()
    hub = hub_for(app)
    return {
        "pid": os.getpid(),
        "stats": datastar.stats(),
        "tabs": datastar.tabs.count(),
        "topics_empty": hub.topics.is_empty,
        "closed": closed,
        "untold": untold,
        "finished": finished,
        "waiting": len(waiting),
        "running": count_running() if "collect" in request.args else None,
        "descriptors": len(os.listdir("/proc/self/fd")),
        "memory_kib": memory_kib(),
    }


def count_running() -> int:
    """Count greenlets; with threads those, without the ones that gthread keeps."""
    if is_gevent():
        return sum(isinstance(found, greenlet) and not found.dead for found in gc.get_objects())
    return sum(not thread.name.startswith("ThreadPoolExecutor") for thread in threading.enumerate())


def memory_kib() -> int:
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


if app.config.get("STREAM_AT_IMPORT"):
    # Of all that is made at first use, the thread of the timer included, the parent has its own then, before the fork.
    before_fork = app.test_client().get("/ds/t/follow?topic=news", headers={"Datastar-Request": "true"})
    next(iter(before_fork.response))
