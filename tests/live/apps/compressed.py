"""A page whose stream is compressed: a table that is broadcast, and a line of its own."""

from __future__ import annotations

from typing import Any

from flask import request

from tests.live.apps.base import make_app, render_page

app, datastar = make_app(__name__)

ROWS = "".join(f"<li>{row}: {row * 7919 % 1009}</li>" for row in range(300))


def scope() -> str:
    return "everybody"


@datastar.stream(group="t", scope=scope)
def feed() -> Any:
    found = datastar.follow("news")
    datastar.patch_elements('<p id="own">open</p>')
    return found


@app.get("/")
def index() -> str:
    return render_page(
        "<div {{ datastar.tab_signal() }} data-init=\"{{ datastar.open_stream('feed') }}\">"
        '<p id="own"></p><ul id="table"></ul></div>'
    )


@app.post("/publish")
def publish() -> dict[str, Any]:
    number = request.args["n"]
    datastar.broadcast("news").patch_elements(f'<ul id="table">{ROWS}<li id="mark">{number}</li></ul>')
    return {}


@app.post("/tell")
def tell() -> dict[str, Any]:
    datastar.broadcast_to("everybody").patch_elements(f'<p id="own">{request.args["n"]}</p>')
    return {}


@app.post("/close")
def close() -> dict[str, Any]:
    return {"closed": datastar.tabs.close("everybody")}


@app.get("/stats")
def stats() -> dict[str, Any]:
    return dict(datastar.stats())
