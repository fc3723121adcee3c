"""Flask-Babel: a handler and a stream speak the visitor's language, a broadcast the publisher's."""

from __future__ import annotations

import pytest
from flask import has_request_context, render_template_string, request
from flask_babel import Babel, force_locale, format_decimal, get_locale

from flask_datastar.testing import DatastarClient

LANGUAGES = ["de", "en"]
GERMAN, ENGLISH = {"Accept-Language": "de"}, {"Accept-Language": "en"}


@pytest.fixture(autouse=True)
def babel(app):
    # On the page, the selector:
    def find_locale():
        if has_request_context():
            return request.accept_languages.best_match(LANGUAGES)
        return None  # a command, a background job: BABEL_DEFAULT_LOCALE

    Babel(app, locale_selector=find_locale)
    # So far.


def test_everything_works(shop):
    shop.check()


def test_handler_and_changes_speak_the_language_of_the_page(app, datastar, connect):
    @datastar.handler(group="shop")
    def price():
        datastar.signal("price", format_decimal(1234.5))
        datastar.publish("prices")

    @datastar.stream(group="shop")
    def prices():
        for _ in datastar.changes("prices"):
            datastar.signal("price", format_decimal(1234.5))
            yield

    tab = DatastarClient(app)
    stream = connect("/ds/shop/prices", Accept_Language="de")
    stream.wait("1.234,5")

    assert tab.post("shop.price", _headers=GERMAN).patched == {"price": "1.234,5"}
    assert tab.post("shop.price", _headers=ENGLISH).patched == {"price": "1,234.5"}
    stream.wait("1.234,5", count=2)
    assert b"1,234.5" not in stream.received


def test_broadcast_has_the_language_of_the_publisher(app, datastar, connect):
    @datastar.handler(group="shop")
    def tell():
        datastar.broadcast("prices").signal("price", format_decimal(1234.5))

    @datastar.stream(group="shop")
    def prices():
        return datastar.follow("prices")

    german = connect("/ds/shop/prices", Accept_Language="de").wait_open()
    DatastarClient(app).post("shop.tell", _headers=ENGLISH)

    german.wait("1,234.5")


def test_topic_of_each_language_brings_each_its_own(app, datastar, connect):
    # On the page, the topics:
    @datastar.stream(group="shop")
    def prices():
        return datastar.follow(f"prices:{get_locale()}")

    @datastar.handler(group="shop")
    def raise_prices():
        for language in LANGUAGES:
            with force_locale(language):
                datastar.broadcast(f"prices:{language}").signal("price", format_decimal(1234.5))

    # So far.
    german = connect("/ds/shop/prices", Accept_Language="de").wait_open()
    english = connect("/ds/shop/prices", Accept_Language="en").wait_open()
    DatastarClient(app).post("shop.raise_prices", _headers=ENGLISH)

    german.wait("1.234,5")
    english.wait("1,234.5")
    assert b"1,234.5" not in german.received


def test_command_has_the_language_that_it_says(app):
    with app.app_context():
        assert format_decimal(1234.5) == "1,234.5"
        with force_locale("de"):
            assert format_decimal(1234.5) == "1.234,5"


def test_region_has_the_language_of_its_argument(app, datastar, connect):
    # On the page, the region:
    @datastar.region(group="shop")
    def price(language: str):
        with force_locale(language):
            return f'<p id="price">{format_decimal(1234.5)}</p>'

    @app.get("/price")
    def price_page():
        return render_template_string("{{ price }}{{ datastar.live() }}", price=price(str(get_locale())))

    # So far.
    assert '<p id="price">1.234,5</p>' in app.test_client().get("/price", headers=GERMAN).text
    assert '<p id="price">1,234.5</p>' in app.test_client().get("/price", headers=ENGLISH).text
    german = connect("/price", Accept_Language="de", Datastar_Live="1", Datastar_Request="true")
    english = connect("/price", Accept_Language="en", Datastar_Live="1", Datastar_Request="true")
    german.wait('<p id="price">1.234,5</p>')
    english.wait('<p id="price">1,234.5</p>')


def test_region_without_a_language_has_the_default_one(app, datastar, connect):
    @datastar.region(group="shop")
    def price():
        return f'<p id="price">{format_decimal(1234.5)}</p>'

    @app.get("/price")
    def price_page():
        return render_template_string(
            "{{ price }}{{ datastar.live() }}{{ get_locale() }}", price=price(), get_locale=get_locale
        )

    assert '<p id="price">1,234.5</p>' in app.test_client().get("/price", headers=GERMAN).text
    connect("/price", Accept_Language="de", Datastar_Live="1", Datastar_Request="true").wait("1,234.5")
