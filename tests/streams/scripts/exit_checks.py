"""Checks of what happens to streams when their process ends without a word before."""

from __future__ import annotations

import atexit
import time
from typing import Any

from flask import Flask

from flask_datastar import Datastar
from flask_datastar.sansio.stream_events import OPENED
from flask_datastar.testing.waiting import DEADLINE_SECONDS
from flask_datastar.transport.wakeups import is_gevent, make_wakeup, spawn
from tests.support.wsgi import call


def check_streams_end_with_the_process() -> None:
    app = Flask("shop")
    datastar = Datastar(app)
    chunks: list[bytes] = []
    opened, ended = make_wakeup(), make_wakeup()
    begin: list[float] = []

    def look() -> None:
        if is_gevent():
            # Its greenlets end with the main one, which is not to wait for them.
            is_as_wanted = chunks == [OPENED]
        else:
            is_as_wanted = ended.wait(DEADLINE_SECONDS) and b"\n\nid: ds:restart:0:\nretry: " in chunks[-1]
        # It takes a second at the most; the rest is for a machine that is busy.
        if not is_as_wanted or time.monotonic() - begin[0] > 15:
            print(chunks, time.monotonic() - begin[0])

    # Registered first, so called last.
    atexit.register(look)

    @datastar.stream(group="g")
    def stream() -> Any:
        return datastar.follow("news")

    def serve() -> None:
        body = call(app, "/ds/g/stream")[2]
        for chunk in body:
            chunks.append(chunk)
            opened.set()
        body.close()
        ended.set()

    spawn(serve, "server")
    assert opened.wait(DEADLINE_SECONDS)
    begin.append(time.monotonic())
