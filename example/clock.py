"""The server's clock: a stream that wakes up each second and sends the time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from flask import Blueprint, render_template

from example.extensions import datastar

bp = Blueprint("clock", __name__)


@bp.get("/clock")
def page() -> str:
    show()
    return render_template("clock.html")


@datastar.stream(group="clock")
def tick() -> Iterator[None]:
    # The stream ends by itself when the page is closed. Without a login there is no scope, so the streams of all pages
    # are independent.
    for _ in datastar.every(1):
        show()
        yield


def show() -> None:
    datastar.signal("time", f"{datetime.now(UTC):%H:%M:%S}")
    datastar.signal("streams", datastar.stats()["open"])
