"""Live pages in tests: regions by id, current after each change, and what was rendered why."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, abort, redirect, render_template_string

from flask_datastar import Datastar
from flask_datastar.brokers import redis
from flask_datastar.testing import DatastarClient, capture_renders
from tests.brokers.redis_server import RedisServer
from tests.conftest import MakeApp
from tests.support.streams import hub_for

PAGE = "<!doctype html><html><body><main>{{ shown }}{{ extra }}</main>{{ datastar.live(scope='all') }}</body></html>"


class Shop:
    """Lists by name, each a region that shows its items as regions."""

    def __init__(self, app: Flask, datastar: Datastar) -> None:
        self.app, self.datastar = app, datastar
        self.items: dict[str, list[str]] = {"a": ["one"], "b": []}
        self.before: Callable[[], Any] = lambda: None
        self.while_rendering: Callable[[], Any] = lambda: None

        @datastar.region(group="shop", topics=lambda name: f"list:{name}", at_most_every=0)
        def list_of(name: str) -> str:
            self.while_rendering()
            return render_template_string(
                '<ul id="list-{{ name }}">{% for text in items %}{{ datastar.show("item", text=text) }}'
                "{% endfor %}</ul>",
                name=name,
                items=self.items[name],
            )

        @datastar.region(group="shop", at_most_every=0)
        def item(text: str) -> str:
            return render_template_string('<li id="item-{{ text }}">{{ text }}</li>', text=text)

        @app.get("/lists/<name>")
        def lists(name: str) -> Any:
            return self.before() or render_template_string(PAGE, shown=list_of(name), extra=self.items.get("extra", ""))

        @datastar.handler(group="shop")
        def add(name: str, text: str) -> None:
            self.items[name].append(text)
            list_of.changed(name=name)

        self.list_of = list_of


@pytest.fixture
def shop(app: Flask, datastar: Datastar) -> Shop:
    return Shop(app, datastar)


def test_regions_are_current_after_each_change(app: Flask, shop: Shop) -> None:
    with DatastarClient(app).live("/lists/a") as page, DatastarClient(app).live("/lists/b") as other:
        assert page["list-a"] == '<ul id="list-a"><li id="item-one">one</li></ul>'
        for number in range(20):
            DatastarClient(app).post("add", name="a", text=f"new{number}")
            assert page[f"item-new{number}"] == f'<li id="item-new{number}">new{number}</li>'
        assert page["list-a"].count("<li") == 21
        assert page.html.startswith("<!doctype html><html><body><main><ul id=")
        assert page.html.count("list-a") == 1
        assert "item-one" in page
        assert "item-two" not in page
        assert other["list-b"] == '<ul id="list-b"></ul>'

        assert [(render.region, render.reason) for render in other.renders] == [
            ("shop:list_of", "first time"),
            *[one for number in range(20) for one in (("shop:item", "first time"), ("shop:list_of", "changed()"))],
        ]
        assert page.renders[-1].arguments == {"name": "'a'"}
        assert page.renders[-1].seconds >= 0
        assert (page.renders[-1].viewers, page.renders[-1].has_changed, page.renders[-1].error) == (1, True, None)


def test_what_others_change_is_waited_for(app: Flask, shop: Shop) -> None:
    with DatastarClient(app).live("/lists/a") as page:
        thread = threading.Thread(target=lambda: DatastarClient(app).post("add", name="a", text="two"))
        thread.start()
        assert page.wait_for("list-a", "two") == page["list-a"]
        thread.join()
        with pytest.raises(
            TimeoutError, match=r"'list-a' of page /lists/a does not contain 'x' within 0.1 s: it is '<ul"
        ):
            page.wait_for("list-a", "x", within=0.1)


def test_messages_on_topics_are_followed(app: Flask, shop: Shop) -> None:
    with DatastarClient(app).live("/lists/a") as page:
        shop.items["a"] = []
        with app.app_context():
            shop.datastar.publish("list:a")

        assert page["list-a"] == '<ul id="list-a"></ul>'


def test_a_region_that_fails_raises_in_the_test(app: Flask, shop: Shop, make_app: MakeApp) -> None:
    with DatastarClient(app).live("/lists/a") as page:
        shop.while_rendering = lambda: 1 / 0
        DatastarClient(app).post("add", name="a", text="two")
        with pytest.raises(ZeroDivisionError):
            page["list-a"]
        assert page["list-a"] == '<ul id="list-a"><li id="item-one">one</li></ul>'
        app.config["PROPAGATE_EXCEPTIONS"] = False
        DatastarClient(app).post("add", name="a", text="three")
        assert "two" not in page["list-a"]
        assert isinstance(page.renders[-1].error, ZeroDivisionError)


def test_a_region_that_takes_too_long_is_named(app: Flask, shop: Shop) -> None:
    starts, ends = threading.Event(), threading.Event()
    with DatastarClient(app).live("/lists/a") as page:
        shop.while_rendering = lambda: (starts.set(), ends.wait(60))
        DatastarClient(app).post("add", name="a", text="two")
        assert starts.wait(60)
        page.within = 0.1
        with pytest.raises(
            TimeoutError,
            match=r"^the regions of page /lists/a are not up to date within 0.1 s: waiting for "
            r"shop:list_of\(name='a'\) \(is rendered\); no event has come; make at_most_every shorter",
        ):
            page["list-a"]
        ends.set()
        page.within = 60
        assert "two" in page["list-a"]


def test_unknown_ids_list_those_of_the_page(app: Flask, shop: Shop) -> None:
    with (
        DatastarClient(app).live("/lists/a") as page,
        pytest.raises(KeyError, match="no element with the id 'x'; it has list-a, item-one"),
    ):
        page["x"]


def test_pages_that_are_not_live_are_refused(app: Flask, shop: Shop) -> None:
    tab = DatastarClient(app)
    app.add_url_rule("/plain", view_func=lambda: "<p id='p'></p>", endpoint="plain")

    with pytest.raises(
        ValueError, match=r"page /plain is not live: it was answered with 200 OK, without {{ datastar.live"
    ):
        tab.live("/plain")
    with pytest.raises(ValueError, match=r"page /missing is not live: it was answered with 404"):
        tab.live("/missing")
    shop.before = lambda: shop.datastar.is_live_run and abort(418)
    with pytest.raises(ValueError, match=r"the stream of page /lists/a was answered with 418"):
        tab.live("/lists/a")


def test_a_stream_that_has_ended_says_so(app: Flask, shop: Shop) -> None:
    shop.before = lambda: shop.datastar.is_live_run and redirect("/login")
    page = DatastarClient(app).live("/lists/a")

    with pytest.raises(ConnectionError, match=r"the stream of page /lists/a has ended: .* open the page again"):
        page["list-a"]
    assert page.has_ended
    assert any("/login" in event.wire_data for event in page.events)


def test_leaving_closes_the_stream(app: Flask, shop: Shop) -> None:
    tab = DatastarClient(app)

    def streams() -> int:
        with app.app_context():
            return int(shop.datastar.stats()["open"])

    page = tab.live("/lists/a?sort=name&x=%C3%BC")
    assert (page.url, streams()) == ("/lists/a?sort=name&x=%C3%BC", 1)
    tab.live("/lists/b")
    assert streams() == 1
    tab.load("/lists/a")
    assert streams() == 0
    page.close()


def test_a_mounted_page_is_live(make_app: MakeApp) -> None:
    datastar = Datastar()
    app = make_app(datastar, APPLICATION_ROOT="/mount")
    shop = Shop(app, datastar)
    with app.test_client() as client, DatastarClient(app, client=client).live("/lists/a") as page:
        shop.items["a"].append("two")
        with app.app_context():
            shop.list_of.changed()
        assert "two" in page["list-a"]


def test_renderings_are_captured_without_a_page(app: Flask, shop: Shop) -> None:
    with capture_renders(app) as renders:
        DatastarClient(app).live("/lists/a").close()
    DatastarClient(app).live("/lists/b").close()

    assert [(one.region, one.arguments) for one in renders] == [
        ("shop:item", {"text": "'one'"}),
        ("shop:list_of", {"name": "'a'"}),
    ]


def test_signals_of_the_stream_reach_the_tab(app: Flask, shop: Shop) -> None:
    tab = DatastarClient(app)
    with tab.live("/lists/a") as page:
        with app.app_context(), shop.datastar.broadcast_to("all") as out:
            out.signal("news", 3)
        assert "list-a" in page
        assert tab.signals["news"] == 3


@pytest.mark.redis
def test_changes_of_other_processes_are_current_by_a_broker(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    # Threads may use Redis here, although another test may have run gevent.
    monkeypatch.setattr(redis, "check_patched", lambda: None)
    with RedisServer() as server:
        shops = []
        for _ in range(2):
            datastar = Datastar()
            shops.append(Shop(make_app(datastar, DATASTAR_BROKER_URL=server.url), datastar))
        here, there = shops
        there.items = here.items
        with DatastarClient(here.app).live("/lists/a") as page:
            for number in range(5):
                DatastarClient(there.app).post("add", name="a", text=f"new{number}")
                assert f"new{number}" in page["list-a"]
                DatastarClient(here.app).post("add", name="a", text=f"own{number}")
                assert f"own{number}" in page["list-a"]
        for shop in shops:
            hub_for(shop.app).bus.close()
