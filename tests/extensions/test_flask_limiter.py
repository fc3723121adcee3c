"""Flask-Limiter: an opened stream counts as a request, and a 429 is invisible until the page shows it."""

from __future__ import annotations

import pytest
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from flask_datastar.testing import DatastarClient


@pytest.fixture
def limiter(app):
    return Limiter(get_remote_address, app=app, default_limits=["3 per minute"], storage_uri="memory://")


def test_each_handler_counts_for_itself(limiter, shop):
    tab = DatastarClient(shop.app)

    assert [tab.post("shop.add").status_code for _ in range(4)] == [200, 200, 200, 429]
    assert tab.post("shop.show").status_code == 200


def test_limit_of_a_handler_stands_below_its_decorator(limiter, datastar, shop):
    # On the page, the limit:
    @datastar.handler(group="shop")
    @limiter.limit("1 per minute")
    def order():
        return {"ordered": True}

    # So far.
    tab = DatastarClient(shop.app)
    assert [tab.post("shop.order").status_code for _ in range(2)] == [200, 429]


def test_each_opening_of_a_stream_counts(limiter, shop):
    for _ in range(3):
        shop.connect("/ds/shop/live").wait_open()

    assert DatastarClient(shop.app).get("shop.live").status_code == 429


def test_exempt_stream_does_not_count(limiter, datastar, shop):
    # On the page, the stream:
    @datastar.stream(group="shop", scope="ann")
    @limiter.exempt
    def stock():
        for _ in datastar.changes("stock"):
            yield

    # So far.
    for _ in range(5):
        shop.connect("/ds/shop/stock").wait_open()


def test_error_handler_shows_the_429(app, limiter, datastar, shop):
    # On the page, the error handler:
    @app.errorhandler(429)
    def too_many(error):
        if not datastar.is_datastar_request:
            return error
        return datastar.start().signal("problem", f"Too many requests ({error.description}).")

    # So far.
    tab = DatastarClient(app)
    for _ in range(3):
        tab.post("shop.add")

    assert tab.post("shop.add").patched == {"problem": "Too many requests (3 per 1 minute)."}
    assert [tab.client.get("/login").status_code for _ in range(4)][-1] == 429
