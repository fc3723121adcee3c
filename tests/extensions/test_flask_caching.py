"""Flask-Caching: for what a handler reads, not for handlers, and not for pages that are somebody's own."""

from __future__ import annotations

import itertools

import pytest
from flask import render_template_string
from flask_caching import Cache
from flask_wtf import CSRFProtect

from flask_datastar.testing import DatastarClient


@pytest.fixture
def cache(app):
    app.config["CACHE_TYPE"] = "SimpleCache"
    return Cache(app)


def test_everything_works(cache, shop):
    shop.check()


def test_what_a_handler_reads_is_cached(cache, datastar, tab):
    counter = itertools.count(1)

    def ask_the_bank(currency):
        return next(counter)

    # On the page:
    @cache.memoize(timeout=60)
    def rate_of(currency):
        return ask_the_bank(currency)

    @datastar.handler(group="shop")
    def show_rate(currency: str):
        datastar.signal("rate", rate_of(currency))

    # So far.
    tab.signals["currency"] = "SEK"
    assert tab.post("shop.show_rate").patched == tab.post("shop.show_rate").patched == {"rate": 1}
    assert tab.post("shop.show_rate", currency="NOK").patched == {"rate": 2}


def test_cached_handler_answers_everybody_the_same(cache, app, datastar):
    @datastar.handler(group="shop")
    @cache.cached()
    def greet(name: str):
        return {"hello": name}

    assert DatastarClient(app, {"name": "Ada"}).post("shop.greet").patched == {"hello": "Ada"}
    assert DatastarClient(app, {"name": "Bob"}).post("shop.greet").patched == {"hello": "Ada"}


def test_cached_page_carries_the_first_visitors_token_and_signals(cache, app, datastar):
    CSRFProtect(app)
    counter = itertools.count(1)

    @app.get("/")
    @cache.cached()
    def index():
        datastar.signal("visitor", next(counter))
        return render_template_string("""<body data-signals="{{ datastar.init_signals() }}">""")

    first, second = DatastarClient(app), DatastarClient(app)
    first.load("/")
    second.load("/")

    assert first.signals["visitor"] == second.signals["visitor"] == 1
    assert first.signals["_csrf"] == second.signals["_csrf"]
