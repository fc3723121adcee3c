"""The application of the fuzz of streams: streams of every kind, whose scope and topics come from the request."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from flask import Flask, abort, redirect, request

from flask_datastar import Datastar
from tests.brokers.joined import BROKERS

#: How often streams tick and send keep-alives, so that no step of the fuzz waits for long.
TICK_SECONDS = 0.0003
_ADDRESS = re.compile(rb'"(to|on)":"([0-9a-f]*)"')


def hex_of(text: str) -> str:
    """Return a text as it stands in the events that are sent to it."""
    return text.encode("utf-8", "surrogatepass").hex()


def addressees(received: bytes) -> set[tuple[str, str]]:
    """Return whom the received events were sent to, each as the kind of address and its name in hexadecimal."""
    return {(kind.decode(), name.decode()) for kind, name in _ADDRESS.findall(received)}


def make_app(name: str, broker_url: str) -> Flask:
    """Create the application."""
    app = Flask(name)
    app.config["SECRET_KEY"] = "fuzz"
    limits = {"max_streams": 5000, "max_streams_per_scope": 5000, "max_streams_per_address": 5000}
    datastar = Datastar(
        app,
        brokers=BROKERS,
        broker_url=broker_url,
        keepalive_seconds=TICK_SECONDS,
        **limits,  # type: ignore[arg-type]
    )
    _add_feeds(app, datastar)
    _add_generators(datastar)
    return app


def _who() -> str:
    return request.args.get("who", "")


def _check(topic: str) -> str:
    # As an application has to: these names are refused.
    if not topic or topic.startswith("\0"):
        abort(404)
    return topic


def _add_feeds(app: Flask, datastar: Datastar) -> None:
    @datastar.stream(group="fuzz", scope=_who)
    def follow(topic: str = "news", text: str = "") -> Any:
        datastar.patch_signals({"text": text})
        return datastar.follow(_check(topic))

    @datastar.stream(group="fuzz", scope=_who)
    def mine(signals: dict[str, Any]) -> Any:
        datastar.patch_signals(signals)
        return datastar.follow()

    @datastar.stream(group="fuzz")
    def anonymous(topics: list[str]) -> Any:
        return datastar.follow(*map(_check, topics or ["news"]))

    @app.get("/plain/<name>")
    def plain(name: str) -> Any:
        # The state that the request has before the stream.
        datastar.patch_signals({"name": name, "id": datastar.last_event_id, "tab": datastar.tab_id})
        return datastar.start_stream(_who(), datastar.follow("news"))


def _add_generators(datastar: Datastar) -> None:
    @datastar.stream(group="fuzz", scope=_who)
    def listen(topic: str = "news") -> Iterator[Any]:
        for number, message in enumerate(datastar.subscribe(_check(topic), every=TICK_SECONDS)):
            yield {"received": message and message.data, "n": number}
            if number > 2:
                return

    @datastar.stream(group="fuzz", scope=_who)
    def tick(whole: int = 2, text: str = "") -> Iterator[Any]:
        for number in datastar.every(TICK_SECONDS):
            datastar.patch_signals({"text": text}, event_id=f"row-{number}")
            yield
            if number >= min(whole, 4):
                return

    @datastar.stream(group="fuzz", scope=_who)
    def ends(text: str = "") -> Iterator[Any]:
        yield {"text": text}
        if text.startswith("/"):
            return redirect("/login?next=" + request.path)
        if len(text) % 2:
            abort(403)
        raise RuntimeError("on purpose")
