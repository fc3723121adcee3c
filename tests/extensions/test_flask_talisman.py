"""Flask-Talisman: its nonce in the client's script, and https behind a proxy."""

from __future__ import annotations

import pytest
from flask import Flask, request
from flask_talisman import Talisman

from flask_datastar import Datastar
from flask_datastar.testing import DatastarClient


@pytest.fixture
def datastar(app: Flask) -> Datastar:
    # On the page:
    Talisman(
        app,
        content_security_policy={"default-src": "'self'", "script-src": "'self'"},
        content_security_policy_nonce_in=["script-src"],
    )
    datastar = Datastar(app, csp_nonce=lambda: request.csp_nonce)
    # So far.
    return datastar


PROXY = {"X-Forwarded-Proto": "https"}


def test_page_has_the_nonce_of_its_policy(shop):
    page = DatastarClient(shop.app).client.get("/", headers=PROXY)

    policy = page.headers["Content-Security-Policy"]
    nonce = policy.partition("'nonce-")[2].partition("'")[0]
    assert nonce
    assert f' nonce="{nonce}"></script>' in page.text


def test_proxy_that_says_https_is_believed(shop):
    tab = DatastarClient(shop.app)

    assert tab.post("shop.add", _headers=PROXY).patched == {"count": 1}
    stream = shop.connect("/ds/shop/live", X_Forwarded_Proto="https")
    stream.wait('{"turn":1}')


def test_over_http_everything_is_redirected(shop):
    tab = DatastarClient(shop.app)

    answer = tab.post("shop.add")
    assert (answer.status_code, answer.response.headers["Location"]) == (302, "https://localhost/ds/shop/add")
    assert tab.get("shop.live").response.text == "id: ds:done\n\n"


def test_debug_mode_is_left_on_http(shop):
    shop.app.debug = True

    assert DatastarClient(shop.app).post("shop.add").patched == {"count": 1}
