"""The application that ``try_servers`` puts behind each server; it needs nothing but Flask and this package."""

from __future__ import annotations

import contextlib
from typing import Any

from flask import Flask

from flask_datastar import Datastar

app = Flask(__name__)
app.config.from_prefixed_env("EXTRA")
datastar = Datastar(app)


@datastar.stream(group="t")
def follow() -> Any:
    feed = datastar.follow("news")
    datastar.signal("opened", 1)
    return feed


@app.get("/")
def index() -> str:
    return "served"


@app.get("/stats")
def stats() -> dict[str, Any]:
    return datastar.stats()


@app.post("/say")
def say() -> str:
    datastar.broadcast("news").signal("said", 1)
    return "said"


# For servers that want something else than WSGI.
with contextlib.suppress(ImportError):
    from a2wsgi import WSGIMiddleware

    by_a2wsgi = WSGIMiddleware(app)
with contextlib.suppress(ImportError):
    from asgiref.wsgi import WsgiToAsgi

    by_asgiref = WsgiToAsgi(app)
with contextlib.suppress(ImportError):
    from starlette.middleware.wsgi import WSGIMiddleware as StarletteMiddleware

    by_starlette = StarletteMiddleware(app)
