"""A stream whose events are compressed for whoever accepts that."""

from __future__ import annotations

from typing import Any

from flask import Flask, request

from flask_datastar import Datastar

app = Flask(__name__)
app.config.update(SECRET_KEY="only for tests", DATASTAR_KEEPALIVE_SECONDS=60, DATASTAR_COMPRESSION=("zstd", "gzip"))
app.config.from_prefixed_env("EXTRA")
datastar = Datastar(app)


def scope() -> str:
    return request.args.get("scope", "")


@datastar.stream(group="t", scope=scope)
def feed() -> Any:
    found = datastar.follow("news")
    datastar.patch_elements('<p id="state">open</p>')
    return found


@app.post("/publish")
def publish() -> dict[str, Any]:
    """Broadcast a table; its last line is ``MARK`` with the number."""
    number = int(request.args["n"])
    rows = "\n".join(f"<li>{row}: {row * 7919 % 1009}</li>" for row in range(300))
    datastar.broadcast("news").patch_elements(f'<ul id="table">\n{rows}\n<li id="mark">MARK {number}.</li></ul>')
    return {}


@app.post("/close")
def close() -> dict[str, Any]:
    return {"closed": datastar.tabs.close(request.args["scope"])}


@app.get("/figures")
def figures() -> dict[str, Any]:
    return {"stats": datastar.stats(), "untold": 0}


@app.get("/ready")
def ready() -> dict[str, Any]:
    return {}
