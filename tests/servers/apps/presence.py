"""People at topics in several processes: by live pages, by streams and by handlers."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from flask import Flask, request

from flask_datastar import Datastar
from flask_datastar.presence import timers
from flask_datastar.presence.state import PresenceState

app = Flask(__name__)
app.config.update(
    SECRET_KEY="only for tests",
    DATASTAR_KEEPALIVE_SECONDS=60,
    DATASTAR_MAX_STREAMS=5000,
    DATASTAR_MAX_STREAMS_PER_SCOPE=1000,
    DATASTAR_RESTART_SPREAD_SECONDS=0.5,
)
app.config.from_prefixed_env("EXTRA")
datastar = Datastar(app)

timers.BEAT_SECONDS = app.config["BEAT"]


def lose_leaves(leave: Callable[..., Any]) -> Callable[..., Any]:
    """Return the method with a fault: one of twenty ends of an entry is forgotten."""

    def lossy(self: PresenceState, number: int, *arguments: Any) -> Any:
        return None if number % 20 == 0 else leave(self, number, *arguments)

    return lossy


# Faults on purpose, by which a run shows that it would notice them.
if app.config.get("PLANT") == "lost leaves":
    PresenceState.leave = lose_leaves(PresenceState.leave)  # type: ignore[method-assign]
elif app.config.get("PLANT") == "no expiry":
    PresenceState.tick = lambda self: None  # type: ignore[method-assign]


def scope() -> str | None:
    return request.args.get("scope")


def people_at(topic: str) -> list[tuple[str, int]]:
    """List the people at a topic in an order that says nothing of their arrival."""
    return sorted((one.scope, one.tabs) for one in datastar.presence(topic))


@datastar.region(group="p")
def faces(topic: str) -> str:
    people = " ".join(f"{name}:{tabs}" for name, tabs in people_at(topic))
    return f'<p id="faces-{topic}">{people}</p>'


@app.get("/live/<topic>")
def live(topic: str) -> str:
    datastar.join(topic)
    return f"<body>{faces(topic).__html__()}{datastar.live(scope=scope)}</body>"


@datastar.stream(group="p", scope=scope)
def stream(topic: str) -> Any:
    datastar.join(topic)
    datastar.patch_signals({"pid": os.getpid()})
    return datastar.follow(topic)


@datastar.handler(group="p")
def edit(card: str) -> None:
    datastar.join(card)


@datastar.handler(group="p")
def stop(card: str) -> None:
    datastar.leave(card)


@app.post("/close")
def close() -> str:
    return str(datastar.tabs.close(request.args["scope"], restart="restart" in request.args))


@app.get("/people")
def people() -> dict[str, Any]:
    """Return what this process knows."""
    return {"pid": os.getpid(), "people": {topic: people_at(topic) for topic in request.args["topics"].split(",")}}


@app.get("/ready")
def ready() -> dict[str, int]:
    return {"pid": os.getpid()}
