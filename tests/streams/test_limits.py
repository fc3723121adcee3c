"""How many streams there may be: of one scope, of one client address, of one process, and who comes first."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask, request

from flask_datastar import Datastar
from tests.conftest import MakeApp
from tests.support.streams import Connect
from tests.support.wsgi import call


def make_streams(make_app: MakeApp, **config: Any) -> Flask:
    """Make an app with a stream for each scope that the URL names, or none."""
    datastar = Datastar()
    app = make_app(datastar, **{f"DATASTAR_{key}": value for key, value in config.items()})

    @app.get("/feed")
    def feed() -> Any:
        return datastar.start_stream(request.args.get("scope"), datastar.follow("news"))

    return app


def ask(app: Flask, path: str, **options: Any) -> int:
    """Ask for a stream that nobody iterates, and give the status."""
    status, _, body = call(app, path, **options)
    body.close()
    return status


# Of one scope


@pytest.mark.parametrize("page", ["p", "q"])
def test_page_that_opens_more_streams_than_its_scope_may_have_is_answered_503(
    make_app: MakeApp, connect: Connect, caplog: pytest.LogCaptureFixture, page: str
) -> None:
    app = make_streams(make_app, MAX_STREAMS_PER_SCOPE=2)
    streams = [connect(f"/feed?scope=ann&n={number}", app=app, signals={"tabId": "t.p"}) for number in range(2)]
    for stream in streams:
        stream.wait_open()

    # Its client asks again and again, each time later.
    statuses = [ask(app, "/feed?scope=ann&n=2", signals={"tabId": f"t.{page}"}) for _ in range(3)]

    if page == "q":
        # A new page of the tab takes the places of the old one.
        assert statuses == [200, 200, 200]
        return
    assert statuses == [503, 503, 503]
    assert caplog.text.count("DATASTAR_MAX_STREAMS_PER_SCOPE") == 1
    assert not any(stream.has_ended for stream in streams)
    # The same stream of the page, asked for again, takes the place of its own.
    assert connect("/feed?scope=ann&n=1", app=app, signals={"tabId": "t.p"}).wait_open().status == 200


def test_hand_written_tab_id_takes_the_place_of_its_own(make_app: MakeApp, connect: Connect) -> None:
    app = make_streams(make_app, MAX_STREAMS_PER_SCOPE=1)
    connect("/feed?scope=ann&n=0", app=app, signals={"tabId": "t"}).wait_open()

    assert connect("/feed?scope=ann&n=1", app=app, signals={"tabId": "t"}).wait_open().status == 200
