"""``init_app``: what it sets up, what it refuses, and what it leaves behind when it does."""

from __future__ import annotations

import subprocess
import sys

import pytest
from flask import Blueprint, Flask

from flask_datastar import Datastar
from flask_datastar.errors import SetupError


def test_init_app_enters_the_instance() -> None:
    app = Flask("shop")

    datastar = Datastar(app)

    assert app.extensions["datastar"] is datastar


def test_second_instance_on_an_app_is_refused(app: Flask) -> None:
    with pytest.raises(SetupError, match=r"^<Flask 'shop'> has a Datastar already; use app.extensions\['datastar'\]$"):
        Datastar(app)


def test_init_app_twice_is_refused(app: Flask, datastar: Datastar) -> None:
    with pytest.raises(SetupError, match="has a Datastar already"):
        datastar.init_app(app)


def test_failed_init_app_leaves_the_app_as_it_was() -> None:
    app = Flask("shop")

    with pytest.raises(ValueError, match="DATASTAR_URL_PREFIX"):
        Datastar(app, url_prefix="wrong")

    Datastar(app)


def test_app_with_a_blueprint_of_the_dispatchers_name_is_refused() -> None:
    app = Flask("shop")
    app.register_blueprint(Blueprint("datastar", __name__))

    for _ in range(2):
        with pytest.raises(SetupError, match=r"^<Flask 'shop'> has a blueprint 'datastar' already, .*; rename it$"):
            Datastar(app)
    assert "datastar" not in app.extensions


def test_init_app_after_the_first_request_is_refused_and_leaves_the_app_as_it_was() -> None:
    app = Flask("shop")
    hooks = [app.before_request_funcs, app.after_request_funcs, app.teardown_request_funcs]
    app.test_client().get("/")
    before = [repr(found) for found in (*hooks, app.extensions, app.wsgi_app, app.url_map, app.jinja_env.globals)]

    for _ in range(2):
        with pytest.raises(SetupError, match=r"^<Flask 'shop'> has handled a request already; call init_app where "):
            Datastar(app)

    after = [repr(found) for found in (*hooks, app.extensions, app.wsgi_app, app.url_map, app.jinja_env.globals)]
    assert after == before
    assert app.blueprints == {}
    assert app.test_client().get("/").status_code == 404


LEAVING = """
import gc, sys, weakref


def run():
    import flask, flask.logging
    from flask_datastar import Datastar, StarView, event
    from flask_datastar.testing import DatastarClient

    app = flask.Flask("shop")
    datastar = Datastar(app)

    @datastar.handler(group="g")
    def act(count: int = 0) -> dict:
        return {"count": count}

    @datastar.stream(group="g")
    def feed():
        return datastar.follow("news")

    @datastar.view("/", group="v")
    class Page(StarView):
        def html(self):
            return str(datastar.post("g.act"))

    tab = DatastarClient(app)
    tab.load("/")
    tab.post("g.act")
    datastar.read_signals
    return weakref.ref(flask.Flask), weakref.ref(flask.logging.default_handler)


references = run()
for name in list(sys.modules):
    if name.partition(".")[0] not in sys.stdlib_module_names:
        del sys.modules[name]
gc.collect()
print([found() for found in references])
"""


def test_nothing_keeps_flask_when_its_modules_are_gone() -> None:
    # As at the end of a process, before what the modules hold is taken from them one by one. Flask's logging handler
    # must be gone by then: with gunicorn --preload and gevent it would be told to leave by a lock that works no more.
    result = subprocess.run([sys.executable, "-c", LEAVING], capture_output=True, text=True, check=True)

    assert (result.stdout, result.stderr) == ("[None, None]\n", "")
