"""Flask-Session: a stream has the session as it was when it opened, and writes nothing back."""

from __future__ import annotations

import pytest
from cachelib import FileSystemCache
from flask import session
from flask_session import Session

from flask_datastar.testing import DatastarClient


@pytest.fixture(autouse=True)
def server_side(app, tmp_path):
    app.config.update(SESSION_TYPE="cachelib", SESSION_CACHELIB=FileSystemCache(str(tmp_path)))
    Session(app)


def test_everything_works(shop):
    shop.check()


def test_stream_keeps_the_session_of_its_opening(app, datastar, connect):
    @datastar.handler(group="shop")
    def enter(name: str):
        session["name"] = name
        datastar.publish("names")

    @datastar.handler(group="shop")
    def who():
        return {"who": session["name"]}

    @datastar.stream(group="shop")
    def names():
        for turn, _ in enumerate(datastar.changes("names")):
            session["written"] = "in the stream"
            datastar.patch_signals({"name": session["name"], "turn": turn})
            yield

    tab = DatastarClient(app, {"name": "ada"})
    tab.post("shop.enter")
    stream = connect("/ds/shop/names", tab)
    stream.wait('{"name":"ada","turn":0}')

    tab.signals["name"] = "bob"
    tab.post("shop.enter")
    stream.wait('{"name":"ada","turn":1}')
    stream.close()

    assert tab.post("shop.who").patched == {"who": "bob"}
    with tab.client.session_transaction() as stored:
        assert "written" not in stored
