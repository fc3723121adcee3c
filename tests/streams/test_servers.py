"""Servers that streams cannot work on: what is said when a worker serves its first request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Blueprint, Flask

from flask_datastar import Datastar
from tests.conftest import MakeApp
from tests.support.wsgi import call

SEVERAL = {"wsgi.multiprocess": True}
TEXT = "several processes serve streams here, which do not get each other's broadcasts"


def declare_stream(datastar: Datastar, **options: Any) -> None:
    @datastar.stream(group="g", **options)
    def feed() -> Iterator[None]:
        yield


def get(app: Flask, **environ: Any) -> None:
    _, _, body = call(app, "/", **environ)
    body.close()


def test_several_processes_without_a_broker_are_told_of_at_the_first_request(
    app: Flask, datastar: Datastar, caplog: pytest.LogCaptureFixture
) -> None:
    declare_stream(datastar)

    get(app, **SEVERAL)
    get(app, **SEVERAL)

    assert caplog.text.count(TEXT) == 1
    assert "DATASTAR_BROKER_URL" in caplog.text


def test_first_request_may_be_any(app: Flask, datastar: Datastar, caplog: pytest.LogCaptureFixture) -> None:
    blueprint = Blueprint("shop", __name__, url_prefix="/shop")
    declare_stream(datastar, blueprint=blueprint)
    app.register_blueprint(blueprint)
    # Something set a signal before the request hooks.
    app.url_value_preprocessor(lambda endpoint, values: datastar.signal("early", 1) and None)

    get(app, **SEVERAL)

    assert TEXT in caplog.text


@pytest.mark.parametrize("url", ["memory://", "redis://127.0.0.1:1"])
def test_nothing_is_told_where_the_broker_is_chosen(
    make_app: MakeApp, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    datastar = Datastar()
    app = make_app(datastar, DATASTAR_BROKER_URL=url)
    declare_stream(datastar)

    get(app, **SEVERAL)

    assert TEXT not in caplog.text


def test_nothing_is_told_of_one_process(app: Flask, datastar: Datastar, caplog: pytest.LogCaptureFixture) -> None:
    declare_stream(datastar)

    get(app)

    assert TEXT not in caplog.text


def test_nothing_is_told_of_an_app_without_streams(
    app: Flask, datastar: Datastar, caplog: pytest.LogCaptureFixture
) -> None:
    @datastar.handler(group="g")
    def act() -> None: ...

    get(app, **SEVERAL)

    assert caplog.text == ""


def test_streams_declared_but_not_in_this_app_are_none(caplog: pytest.LogCaptureFixture) -> None:
    datastar = Datastar()
    declare_stream(datastar, blueprint=Blueprint("shop", __name__))
    app = Flask("shop")
    datastar.init_app(app)

    get(app, **SEVERAL)

    assert TEXT not in caplog.text
