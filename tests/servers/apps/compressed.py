"""Numbered events of several topics, on streams of all kinds that may be compressed."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

from flask import Flask, request

from flask_datastar import Datastar
from tests.servers.fillers import content
from tests.support.streams import hub_for

TOPICS = ("red", "green")
LARGEST = 20_000
#: The share of events that are ten times as large.
LARGE = 0.02

app = Flask(__name__)
app.config.update(
    SECRET_KEY="only for tests",
    DATASTAR_COMPRESSION=("zstd", "gzip"),
    DATASTAR_KEEPALIVE_SECONDS=0.5,
    DATASTAR_STREAM_MAX_AGE_SECONDS=4,
    DATASTAR_RESTART_SPREAD_SECONDS=2,
    DATASTAR_MAX_STREAMS_PER_SCOPE=1000,
)
app.config.from_prefixed_env("EXTRA")
datastar = Datastar(app)

#: Topic → the number of its last event, and the number of the last event of any.
numbers: Counter[str] = Counter()
#: Held from a number to its delivery, so that a stream knows which number it gets first.
publishing = threading.Lock()


def follow(*topics: str) -> Any:
    with publishing:
        feed = datastar.follow(*topics)
        datastar.send("datastar-begin", [f"{topic} {numbers[topic]}" for topic in topics])
    return feed


def scope() -> str:
    return request.args["user"]


@datastar.stream(group="t", scope=scope)
def one() -> Any:
    return follow("red")


@datastar.stream(group="t", scope=scope)
def two() -> Any:
    return follow("red", "green")


@datastar.stream(group="t", scope=scope)
def apart() -> Any:
    """Follow the same topics, but in two groups."""
    with publishing:
        feeds = [datastar.follow(topic) for topic in TOPICS]
        datastar.send("datastar-begin", [f"{topic} {numbers[topic]}" for topic in TOPICS])
    return feeds[0]


@datastar.stream(group="t", scope=scope)
def forward() -> Iterator[Any]:
    feed = follow("red", "green")
    yield
    yield from feed


@datastar.stream(group="t", scope=scope)
def mixed() -> Iterator[Any]:
    """Send events of its own between those that it follows."""
    follow("green", "red")
    yield
    for number in datastar.every(0.05):
        datastar.send("datastar-own", [f"tick {number}", f"fill {content(number, number * 37 % 3000)}"])
        yield


@app.post("/publish")
def publish() -> str:
    """Publish so many events at random: to a topic, to one user, together with others or not."""
    chance = random.Random(int(request.args["seed"]))
    for _ in range(int(request.args["count"])):
        size = int(LARGEST ** chance.random())
        if chance.random() < LARGE:
            # Written in slices, or by a publisher in part.
            size *= 10
        with publishing:
            topic = chance.choice(TOPICS)
            if chance.random() < 0.1:
                to_all = datastar.broadcast_to(f"user{chance.randrange(4)}")
                to_all.send("datastar-own", ["tick 0", f"fill {content(7, size)}"])
            numbers[topic] += 1
            numbers["all"] += 1
            out = datastar.broadcast(topic, compress=chance.random() > 0.05)
            lines = [f"{topic} {numbers[topic]} {numbers['all']}", f"fill {content(numbers[topic], size)}"]
            out.send("datastar-number", lines, event_id=str(numbers["all"]) if chance.random() < 0.2 else None)
    return str(numbers["all"])


@app.post("/close")
def close() -> str:
    return str(datastar.tabs.close(request.args["user"], restart=request.args["restart"] == "1"))


@app.get("/ready")
def ready() -> str:
    return ""


@app.get("/figures")
def figures() -> dict[str, Any]:
    hub = hub_for(app)
    return {
        "stats": datastar.stats(),
        "direct": sum(stream.direct is not None for stream in hub._snapshot()),
        "topics_empty": hub.topics.is_empty,
        "groups": len(hub.compression._groups),
        "numbers": dict(numbers),
    }
