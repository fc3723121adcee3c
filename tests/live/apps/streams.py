"""Pages with streams, and what the server knows of them."""

from __future__ import annotations

import os
from collections.abc import Iterator

from flask import Response, jsonify, request

from tests.live.apps.base import make_app, render_page

app, datastar = make_app(__name__)
# The id that each request for a stream brought, by the path of the stream.
requests: dict[str, list[str]] = {}

START = """<main {{ datastar.tab_signal() }}><p id="tab" data-text="$tabId"></p>"""
FEED = """<p id="feed" data-init="{{ datastar.open_stream('feed') }}" data-text="$feed"></p>"""
NEWS = """<p id="news" data-init="{{ datastar.open_stream('news') }}" data-text="$news"></p>"""
SHORT = """<p id="short" data-init="{{ datastar.open_stream('short') }}" data-text="$short"></p>"""


@app.before_request
def note_request() -> None:
    if request.endpoint and request.endpoint.startswith("datastar."):
        requests.setdefault(request.path, []).append(request.headers.get("Last-Event-ID", ""))


@app.get("/")
def index() -> str:
    return render_page(f"{START}</main>")


@app.get("/one")
def one() -> str:
    return render_page(f"{START}{FEED}</main>")


@app.get("/two")
def two() -> str:
    return render_page(f"{START}{FEED}{NEWS}</main>")


@app.get("/short")
def with_short() -> str:
    return render_page(f"{START}{SHORT}</main>")


@datastar.stream(group="streams", scope="ann")
def feed() -> object:
    following = datastar.follow("all")
    datastar.signal("feed", "open")
    return following


@datastar.stream(group="streams", scope="ann")
def news() -> Iterator[None]:
    messages = datastar.subscribe("all")
    datastar.signal("news", "open")
    yield
    for message in messages:
        datastar.signal("news", message.data)
        yield


@datastar.stream(group="streams", scope="ann")
def short() -> Iterator[None]:
    datastar.signal("short", "one")
    yield
    datastar.signal("short", "two")
    yield


@app.post("/say/<text>")
def say(text: str) -> str:
    """Tell it to all streams, which is no business of any page."""
    datastar.broadcast("all").signal("feed", text)
    datastar.publish("all", text)
    return ""


@app.post("/send-back")
def send_back() -> str:
    """End all streams so that their pages come back."""
    return str(datastar.tabs.close("ann", restart=True))


@app.get("/state")
def state() -> Response:
    tabs = [[tab.tab, tab.page, tab.endpoint] for tab in datastar.tabs.snapshot()]
    return jsonify(pid=os.getpid(), stats=datastar.stats(), tabs=tabs, requests=requests)
