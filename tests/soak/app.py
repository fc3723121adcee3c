"""The app that the soak runs under gunicorn: streams of every kind, publishers, and figures of the process."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from flask import Flask, request
from greenlet import greenlet

from flask_datastar import Datastar
from flask_datastar.hooks import stream_closed, stream_opened
from tests.support.streams import hub_for

app = Flask(__name__)
app.config.update(
    SECRET_KEY="soak",
    DATASTAR_KEEPALIVE_SECONDS=2,
    DATASTAR_MAX_STREAMS=5000,
    # The load is random, so it must not reach a limit by chance.
    DATASTAR_MAX_STREAMS_PER_SCOPE=1000,
    DATASTAR_RESTART_SPREAD_SECONDS=2,
    # Short, so that streams also reach it in short runs.
    DATASTAR_STREAM_MAX_AGE_SECONDS=4,
)
datastar = Datastar(app)

#: Topic → the number of its last message.
numbers: Counter[str] = Counter()
#: Held from a number to its delivery, so that a stream knows which number it receives first.
publishing = threading.Lock()
hooks: Counter[str] = Counter()
counting = threading.Lock()


@stream_opened.connect_via(app)
def count_opened(sender: Flask, **_: object) -> None:
    with counting:
        hooks["opened"] += 1


@stream_closed.connect_via(app)
def count_closed(sender: Flask, **_: object) -> None:
    with counting:
        hooks["closed"] += 1


def scope() -> str:
    return request.args["scope"]


def begin(topic: str) -> None:
    """Send the client the number after which it receives all messages."""
    datastar.patch_signals({"from": numbers[topic], "pid": os.getpid()})


@datastar.stream(group="soak", scope=scope)
def follow(topic: str) -> Any:
    with publishing:
        feed = datastar.follow(topic)
        begin(topic)
    return feed


@datastar.stream(group="soak", scope=scope)
def listen(topic: str) -> Iterator[None]:
    with publishing:
        messages = datastar.subscribe(topic, every=0.3)
        begin(topic)
    yield
    for message in messages:
        if message is not None:
            datastar.patch_signals({**message.data, "topic": message.topic})
            yield


@datastar.stream(group="soak", scope=scope)
def changes(topic: str) -> Iterator[None]:
    for _ in datastar.changes(topic, at_most_every=0.05):
        datastar.patch_signals({"state": numbers[topic]})
        yield


@datastar.stream(group="soak", scope=scope)
def tick() -> Iterator[None]:
    for number in datastar.every(0.2):
        datastar.patch_signals({"state": number})
        yield


@datastar.stream(group="soak", scope=scope)
def finish() -> Iterator[None]:
    for number in datastar.every(0.05):
        datastar.patch_signals({"state": number})
        yield
        if number >= 3:
            return


@datastar.stream(group="soak", scope=scope)
def fail() -> Iterator[None]:
    yield
    raise RuntimeError("on purpose")


@app.post("/publish")
def publish() -> str:
    """Publish to streams of all kinds of one topic."""
    topic, filler = request.args["topic"], "x" * int(request.args.get("size", 0))
    for _ in range(int(request.args["count"])):
        with publishing:
            numbers[topic] += 1
            datastar.publish(topic, {"n": numbers[topic]})
            with datastar.broadcast(topic) as out:
                out.patch_signals({"n": numbers[topic], "topic": topic, "filler": filler})
    return str(numbers[topic])


@app.post("/tell")
def tell() -> str:
    scope = request.args["scope"]
    datastar.broadcast_to(scope).patch_signals({"told": int(request.args["number"]), "scope": scope})
    return ""


@app.post("/close")
def close() -> str:
    return str(datastar.tabs.close(request.args["scope"], restart=request.args["restart"] == "1"))


@app.get("/figures")
def figures() -> dict[str, Any]:
    hub = hub_for(app)
    gc.collect()
    # Some C libraries lack malloc_trim.
    with suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
    return {
        "pid": os.getpid(),
        "tabs": datastar.tabs.count(),
        "topics_empty": hub.topics.is_empty,
        "stats": datastar.stats(),
        "hooks": dict(hooks),
        "tasks": tasks(),
        "objects": objects(),
        "descriptors": len(os.listdir("/proc/self/fd")),
        "memory_kib": memory_kib(),
    }


def tasks() -> int:
    """Count greenlets and threads, except idle threads of a pool, which starts them at arbitrary times."""
    greenlets = sum(1 for found in gc.get_objects() if isinstance(found, greenlet) and not found.dead)
    frames = sys._current_frames()
    idle = sum(1 for frame in frames.values() if frame.f_code.co_filename.endswith("concurrent/futures/thread.py"))
    return greenlets + len(frames) - idle


def objects() -> Counter[str]:
    """Count the package's own objects by class, to find leaks that are too small to show in the memory."""
    # __module__ of a class may be any object.
    classes = (found for found in map(type, gc.get_objects()) if str(found.__module__).startswith("flask_datastar"))
    return Counter(found.__name__ for found in classes)


def memory_kib() -> int:
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
