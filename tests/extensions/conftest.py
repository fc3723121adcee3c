"""An application for each extension, not in test mode, where some extensions switch themselves off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask, redirect, render_template_string
from markupsafe import Markup

from flask_datastar import Datastar
from flask_datastar.testing import DatastarClient
from tests.support.wsgi import Connection


@pytest.fixture
def app() -> Flask:
    app = Flask("shop")
    app.config["SECRET_KEY"] = "only for tests, and long enough for every extension"
    return app


@pytest.fixture
def datastar(app: Flask) -> Datastar:
    return Datastar(app)


@pytest.fixture
def tab(app: Flask, datastar: Datastar) -> DatastarClient:
    return DatastarClient(app)


@pytest.fixture
def connect(app: Flask) -> Iterator[Callable[..., Connection]]:
    """Open streams, with the cookies of a tab; at the end their client leaves, and all have to end."""
    opened: list[Connection] = []

    def connect(path: str, tab: DatastarClient | None = None, **headers: str) -> Connection:
        if tab is not None:
            headers["Cookie"] = "; ".join(f"{one.key}={one.value}" for one in tab.client._cookies.values())
        connection = Connection(app, path, headers={name.replace("_", "-"): text for name, text in headers.items()})
        opened.append(connection)
        return connection

    yield connect
    for connection in opened:
        connection.close()
    with app.app_context():
        assert app.extensions["datastar"].stats()["open"] == 0


class Shop:
    """A page with a handler of each kind and two streams."""

    def __init__(self, app: Flask, datastar: Datastar, connect: Callable[..., Any]) -> None:
        self.app = app
        self.datastar = datastar
        self._streams: list[Connection] = []
        self._connect = connect
        _declare(app, datastar)

    def connect(self, *arguments: Any, **headers: str) -> Connection:
        """Open a stream."""
        self._streams.append(self._connect(*arguments, **headers))
        return self._streams[-1]

    def leave(self) -> None:
        """Close the browser."""
        for stream in self._streams:
            stream.close()

    def check(self, **headers: str) -> DatastarClient:
        """Do everything once, and return the tab that has done it."""
        tab = DatastarClient(self.app)
        page = tab.load("/")
        assert page.status_code == 200
        assert "/ds/shop/add" in page.text
        assert tab.signals["count"] == 1

        assert tab.post("shop.add", _headers=headers).patched == {"count": 2}
        assert "<li>x</li>" in tab.post("shop.show", _headers=headers).html
        assert 'location.href = "/login"' in tab.post("shop.leave", _headers=headers).html
        assert [event.arguments for event in tab.iter_events("shop.load", _headers=headers)] == [
            {"signals": '{"done":0}'},
            {"signals": '{"done":1}'},
        ]

        changing, following = self.connect("/ds/shop/live", tab), self.connect("/ds/shop/feed", tab)
        changing.wait('{"turn":1}')
        following.wait('{"headline":"none"}')
        tab.post("shop.tell", _headers=headers)
        changing.wait('{"turn":2}')
        following.wait('{"headline":"news"}')
        return tab


@pytest.fixture
def shop(app: Flask, datastar: Datastar, connect: Callable[..., Any]) -> Shop:
    return Shop(app, datastar, connect)


PAGE = """<!doctype html><html><head><title>Shop</title>{{ datastar.script() }}</head>
<body {{ datastar.tab_signal() }} data-signals="{{ datastar.init_signals() }}">
<button data-on:click="{{ datastar.post('shop.add') }}">+</button></body></html>"""


def _declare(app: Flask, datastar: Datastar) -> None:
    @app.get("/")
    def index():
        datastar.signal("count", 1)
        return render_template_string(PAGE)

    @app.get("/login")
    def login():
        return "login"

    @datastar.handler(group="shop")
    def add(count: int = 0):
        datastar.signal("count", count + 1)

    @datastar.handler(group="shop")
    def show():
        datastar.patch_elements(Markup("<ul id='list'>{}</ul>").format(Markup("<li>x</li>") * 200))

    @datastar.handler(group="shop")
    def leave():
        return redirect("/login")

    @datastar.handler(group="shop")
    def load():
        for number in range(2):
            datastar.signal("done", number)
            yield

    @datastar.handler(group="shop")
    def tell():
        datastar.broadcast("news").signal("headline", "news")

    @datastar.stream(group="shop", scope="ann")
    def live():
        for turn, _ in enumerate(datastar.changes("news"), start=1):
            datastar.signal("turn", turn)
            yield

    @datastar.stream(group="shop")
    def feed():
        news = datastar.follow("news")
        datastar.signal("headline", "none")
        return news
