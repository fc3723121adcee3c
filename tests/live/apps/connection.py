"""The example's layout around two streams, one of which never sends anything: what the page says of its connection."""

from __future__ import annotations

import os
from collections.abc import Iterator

from flask import Response, abort, jsonify, render_template_string, request

from example import create_app
from example.extensions import datastar

app = create_app()
#: The Last-Event-ID of each request for the stream with news.
asked: list[str] = []

PAGE = """{% extends "base.html" %}
{% block main %}
<h1>Connection</h1>
<p id="quiet" data-init="{{ datastar.open_stream('quiet') }}"></p>
<p id="news" {% if not alone %}data-init="{{ datastar.open_stream('news') }}"{% endif %} data-text="$news"></p>
<p id="short" {% if short %}data-init="{{ datastar.open_stream('short') }}"{% endif %} data-text="$short"></p>
<button type="button" id="fail" data-on:click="{{ datastar.post('fail') }}">fail</button>
<button type="button" id="poll" data-on:click="{{ datastar.get('poll', _retry='always', _retry_interval_ms=500) }}">
  poll</button>
<p id="polls" data-text="$polls"></p>
{% endblock %}"""

FAILING = """{% extends "base.html" %}
{% block main %}
<p data-init="{{ datastar.open_stream(request.args['name']) }}"></p>
{% endblock %}"""


@app.before_request
def note_request() -> None:
    if request.endpoint == "datastar.connection:news":
        asked.append(request.headers.get("Last-Event-ID", ""))


class Broken(Exception):
    """What keeps a stream from opening."""


@app.errorhandler(Broken)
def answer_broken(error: Broken) -> tuple[str, int]:
    return "This is broken.", 500


#: How often each of the streams that do not open was asked for, and with which Last-Event-ID.
failed: dict[str, list[str]] = {"fails": [], "refuses": []}


@datastar.stream(group="connection")
def fails() -> object:
    failed["fails"].append(request.headers.get("Last-Event-ID", ""))
    raise Broken


@datastar.stream(group="connection")
def refuses() -> object:
    failed["refuses"].append(request.headers.get("Last-Event-ID", ""))
    abort(503)


@app.get("/failed")
def show_failed() -> Response:
    return jsonify(failed)


@app.get("/connection/failing")
def failing_page() -> str:
    return render_template_string(FAILING)


@app.get("/connection")
def page() -> str:
    return render_template_string(PAGE, short="short" in request.args, alone="alone" in request.args)


@datastar.stream(group="connection", scope="ann")
def quiet() -> object:
    return datastar.follow("nothing")


@datastar.stream(group="connection", scope="ann")
def news() -> object:
    feed = datastar.follow("news")
    datastar.signal("news", "open")
    return feed


@datastar.stream(group="connection", scope="ann")
def short() -> Iterator[None]:
    datastar.signal("short", "done")
    yield


@datastar.handler(group="connection", methods=["GET"])
def poll() -> None:
    polls.append(1)
    datastar.signal("polls", len(polls))


@datastar.handler(group="connection")
def fail() -> None:
    datastar.signal("x", 1 // 0)


polls: list[int] = []


@app.post("/say/<text>")
def say(text: str) -> str:
    with datastar.broadcast("news") as out:
        out.patch_signals({"news": text}, event_id=text)
    return ""


@app.post("/end/<how>")
def end(how: str) -> str:
    return str(datastar.tabs.close("ann", restart=how == "restart"))


@app.get("/state")
def state() -> Response:
    return jsonify(pid=os.getpid(), open=datastar.stats()["open"], ended=datastar.stats()["ended"], asked=asked)
