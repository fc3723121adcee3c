"""Regions in blueprints, in apps from a factory, below other apps, in coroutines, and with a language."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from flask import Blueprint, Flask, abort, g, render_template_string, request
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

from flask_datastar import Datastar, StarView, event
from flask_datastar.errors import SetupError
from flask_datastar.regions.process import live_regions_of
from flask_datastar.state.app import app_state_of
from flask_datastar.testing.waiting import wait_until
from tests.conftest import MakeApp
from tests.support.streams import Connect
from tests.support.wsgi import ending

PAGE = "{{ shown }}{{ datastar.live() }}"
HEADERS = {"Datastar-Live": "1"}


def stats(app: Flask) -> tuple[int, int]:
    found = live_regions_of(app_state_of(app)).stats()
    return found["views"], found["renders"]


@pytest.fixture
def shops(app: Flask, datastar: Datastar) -> Any:
    """One blueprint with a page, a region and a handler, registered as two shops, each with a guard of its own."""
    shop = Blueprint("shop", __name__)

    @shop.before_request
    def guard() -> None:
        if request.args.get("user") != request.blueprint:
            abort(403)

    @datastar.handler(group="shop", blueprint=shop)
    def add() -> None: ...

    @datastar.region(group="shop", at_most_every=0)
    def inner() -> str:
        return render_template_string('<b id="inner" data-url="{{ datastar.post("add") }}"></b>')

    @datastar.region(group="shop", at_most_every=0)
    def items() -> str:
        return render_template_string(
            '<p id="items" data-url="{{ datastar.post("add") }}">{{ inner }}</p>', inner=inner()
        )

    @shop.get("/")
    def page() -> str:
        return render_template_string(PAGE, shown=items())

    app.register_blueprint(shop, url_prefix="/one", name="one")
    app.register_blueprint(shop, url_prefix="/other", name="other")
    app.extensions["items"] = items
    return items


@pytest.mark.parametrize("mount", ["", "/mnt"])
def test_regions_of_a_blueprint_that_is_registered_twice_use_its_own_handlers(
    app: Flask, shops: Any, connect: Connect, mount: str
) -> None:
    for name in ("one", "other"):
        path = f"/{name}/?user={name}"
        text = app.test_client().get(path, base_url=f"http://localhost{mount}/").text
        connection = connect(path, headers=HEADERS, SCRIPT_NAME=mount).wait_open()
        connection.wait('id="items"')

        for shown in (text, connection.received.decode()):
            assert set(re.findall(r"post\(&#39;(.*?)\?_k", shown)) == {f"{mount}/{name}/ds/shop/add"}
    assert stats(app) == (4, 4)


def test_the_guards_of_the_page_s_own_registration_count(app: Flask, shops: Any, connect: Connect) -> None:
    connection = connect("/one/?user=other", headers=HEADERS)

    assert ending(connection.wait_end())[0].startswith("ds:done")
    assert stats(app)[0] == 0


def test_changes_reach_the_pages_of_both_registrations(app: Flask, shops: Any, connect: Connect) -> None:
    pages = [connect(f"/{name}/?user={name}", headers=HEADERS).wait_open() for name in ("one", "other")]
    assert stats(app) == (4, 4)
    with app.app_context():
        shops.changed()

    for page in pages:
        page.wait('id="items"')
    wait_until(lambda: stats(app) == (4, 6))


def test_coroutines_are_regions(app: Flask, datastar: Datastar, connect: Connect) -> None:
    seen: list[object] = []

    @datastar.region(group="shop", at_most_every=0)
    async def inner(number: int) -> str:
        await asyncio.sleep(0)
        return f'<b id="inner-{number}">{number}</b>'

    @datastar.region(group="shop", at_most_every=0)
    async def outer() -> str:
        await asyncio.sleep(0)
        seen.append(g.get("user"))
        return render_template_string('<p id="outer">{{ a }}{{ b }}</p>', a=inner(1), b=inner(2))

    @datastar.region(group="shop")
    async def leaking() -> str:
        await asyncio.sleep(0)
        return render_template_string('<p id="leaking">{{ session.cart }}</p>')

    @app.get("/")
    async def page() -> str:
        g.user = "secret"
        await asyncio.sleep(0)
        return render_template_string(PAGE, shown=outer())

    @app.get("/leaking")
    def leaking_page() -> str:
        return render_template_string(PAGE, shown=leaking())

    shown = '<p id="outer"><b id="inner-1">1</b><b id="inner-2">2</b></p>'
    assert app.test_client().get("/").text.startswith(shown)
    connection = connect("/", headers=HEADERS)
    connection.wait(shown)
    with app.app_context():
        inner.changed(number=2)
    wait_until(lambda: stats(app) == (3, 4))
    assert set(seen) == {None}
    with pytest.raises(SetupError, match=r"region shop:leaking\(\) uses 'session.cart' in its template"):
        app.test_client().get("/leaking")


def test_an_app_of_a_second_call_of_a_factory_is_live(connect: Connect) -> None:
    datastar = Datastar()

    def create_app(name: str) -> Flask:
        app = Flask("shop")
        app.config["TESTING"] = True

        @datastar.region(group="shop", at_most_every=0)
        def part() -> str:
            return f'<p id="part">{name}</p>'

        @app.get("/")
        def page() -> str:
            return render_template_string(PAGE, shown=part())

        @app.get("/by-name")
        def by_name() -> str:
            return render_template_string(PAGE, shown=datastar.show("part"))

        datastar.init_app(app)
        return app

    apps = {name: create_app(name) for name in ("one", "two")}
    for name, app in apps.items():
        assert f'<p id="part">{name}</p>' in app.test_client().get("/").text
        connect("/", app=app, headers=HEADERS).wait(f'<p id="part">{name}</p>')
    with apps["two"].app_context():
        datastar.show("part").changed()
    wait_until(lambda: stats(apps["two"]) == (1, 2))
    assert stats(apps["one"]) == (1, 1)


def test_two_apps_below_one_server_are_live(make_app: MakeApp, connect: Connect) -> None:
    datastar = Datastar()
    first, second = make_app(datastar), make_app(datastar)

    @datastar.region(group="shop", at_most_every=0)
    def part() -> str:
        return render_template_string('<p id="part" data-url="{{ url_for(\'page\') }}">{{ config.NAME }}</p>')

    for number, app in enumerate((first, second), 1):
        app.config["NAME"] = f"app {number}"

        @app.get("/page")
        def page() -> str:
            return render_template_string(PAGE, shown=part())

    client = Client(DispatcherMiddleware(first, {"/second": second}))
    assert '<p id="part" data-url="/page">app 1</p>' in client.get("/page").text
    assert '<p id="part" data-url="/second/page">app 2</p>' in client.get("/second/page").text
    assert "@get(&#39;/second/page&#39;" in client.get("/second/page").text
    connect("/page", app=second, headers=HEADERS, SCRIPT_NAME="/second").wait('data-url="/second/page">app 2')
    connect("/page", app=second, headers=HEADERS, SCRIPT_NAME="/third").wait('data-url="/third/page">app 2')
    assert (stats(first)[0], stats(second)[0]) == (0, 2)


def test_a_region_of_a_view_finds_the_view_s_events(app: Flask, datastar: Datastar, connect: Connect) -> None:
    @datastar.view("/boards/<int:number>")
    class BoardView(StarView):
        def load(self, number: int) -> None:
            if number > 2:
                abort(404)
            self.number = number

        def html(self) -> str:
            return render_template_string(PAGE, shown=cards(self.number))

        @event
        def add(self) -> None:
            cards.changed(number=self.number)

    group = "tests-regions-test_surroundings-board_view"

    @datastar.region(at_most_every=0)
    def cards(number: int) -> str:
        action = datastar.post(BoardView, "add", number=number)
        return render_template_string('<p id="cards" data-url="{{ action }}"></p>', action=action)

    text = app.test_client().get("/boards/2").text
    url = f"/ds/{group}/add?number=2&amp;_k="
    assert url.replace("&amp;", "&") in text.replace("&amp;", "&"), text
    connection = connect("/boards/2", headers=HEADERS)
    connection.wait('id="cards"')
    response = app.test_client().post(f"/ds/{group}/add?number=2", headers={"Datastar-Request": "true"}, json={})
    assert response.status_code == 204
    wait_until(lambda: stats(app) == (1, 2))
    assert ending(connect("/boards/3", headers=HEADERS).wait_end())[0].startswith("ds:done")
