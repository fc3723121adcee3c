"""Content security policies: each page has the nonce of its own header, and nothing else has one."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask, Response, abort, g, render_template

from flask_datastar import Datastar
from flask_datastar.errors import ConfigError, SetupError
from flask_datastar.testing import DatastarClient
from tests.conftest import MakeApp

LAYOUT = "<html {{ datastar.html_attrs() }}><head>{{ datastar.script() }}</head><body id='b'></body></html>"


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    """Make an app with one nonce a request, and a policy on every response."""
    numbers = iter(range(1, 1000))

    def nonce() -> str:
        if "nonce" not in g:
            g.nonce = f"nonce+{next(numbers)}=="
        return str(g.nonce)

    app = make_app(DATASTAR_CSP_NONCE=nonce, templates={"layout.html": LAYOUT})
    datastar: Datastar = app.extensions["datastar"]

    @app.after_request
    def add_policy(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = f"script-src 'nonce-{nonce()}'"
        return response

    @app.get("/")
    def page() -> str:
        return render_template("layout.html")

    @app.errorhandler(404)
    @app.errorhandler(500)
    def error_page(error: Any) -> tuple[str, int]:
        return render_template("layout.html"), error.code

    @app.get("/fail")
    def fail() -> None:
        abort(500)

    @datastar.handler(group="g", methods=["GET", "POST"])
    def patch() -> None:
        datastar.patch_template("layout.html")
        datastar.execute_script("run()")
        datastar.redirect("/")

    @datastar.stream(group="g")
    def feed() -> Any:
        datastar.patch_template("layout.html")
        yield

    return app


def nonces(response: Any) -> tuple[list[str], list[str]]:
    """Give the nonces of the policy, and of the attributes."""
    policy = re.findall(r"'nonce-([^']+)'", response.headers["Content-Security-Policy"])
    return policy, re.findall(r'(?:data-)?nonce="([^"]*)"', response.text)


@pytest.mark.parametrize(("path", "status"), [("/", 200), ("/missing", 404), ("/fail", 500)])
def test_page_has_the_nonce_of_its_header(app: Flask, path: str, status: int) -> None:
    for _ in range(2):
        response = app.test_client().get(path)

        (policy,), attributes = nonces(response)
        assert response.status_code == status
        assert attributes == [policy, policy]
        assert f'<html data-nonce="{policy}"><head><script type="module" ' in response.text
        assert f' nonce="{policy}"></script>' in response.text


def test_each_page_has_its_own(app: Flask) -> None:
    client = app.test_client()

    assert nonces(client.get("/")) != nonces(client.get("/"))


@pytest.mark.parametrize(("verb", "path"), [("get", "/"), ("post", "/ds/g/patch"), ("get", "/ds/g/patch")])
def test_reply_to_datastar_has_none(app: Flask, verb: str, path: str) -> None:
    response = getattr(DatastarClient(app), verb)(path).response

    assert response.status_code == 200
    assert nonces(response)[1] == []
    assert "nonce" not in response.text
    assert "<html ><head><script type=" in response.text


def test_stream_has_none(app: Flask) -> None:
    events = DatastarClient(app).iter_events("g.feed", method="GET")

    first = next(events)
    events.close()

    assert "<html ><head>" in first.arguments["elements"]
    assert "nonce" not in first.arguments["elements"]


def test_script_with_integrity_has_both(make_app: MakeApp) -> None:
    app = make_app(DATASTAR_CSP_NONCE=lambda: "abc", DATASTAR_SCRIPT_INTEGRITY="sha256-abc=")

    with app.test_request_context():
        script = app.extensions["datastar"].script()

    assert script.endswith(' integrity="sha256-abc=" crossorigin nonce="abc"></script>')


def test_rendering_without_a_request_and_for_others_has_none(app: Flask) -> None:
    datastar: Datastar = app.extensions["datastar"]
    seen: list[str] = []
    with app.app_context():
        seen.append(render_template("layout.html"))
    with app.test_request_context():
        datastar.broadcast("all").patch_elements(
            lambda names: seen.append(render_template("layout.html")) or "<p id='a'></p>"
        )
        assert "nonce=" in render_template("layout.html")

    assert len(seen) == 2
    assert "nonce" not in "".join(seen)


def test_without_the_key_there_is_none(make_app: MakeApp) -> None:
    app = make_app()

    with app.test_request_context():
        assert app.extensions["datastar"].html_attrs() == ""
        assert "nonce" not in app.extensions["datastar"].script()


@pytest.mark.parametrize("nonce", ["", None, b"abc", 'a"b', "a b", "a'", "é", "a=b", "abc\n"])
def test_unfit_nonce_is_named(make_app: MakeApp, nonce: object) -> None:
    app = make_app(DATASTAR_CSP_NONCE=lambda: nonce)

    with (
        app.test_request_context(),
        pytest.raises(SetupError, match=re.escape(f"DATASTAR_CSP_NONCE returned {nonce!r}")),
    ):
        app.extensions["datastar"].html_attrs()


@pytest.mark.parametrize("value", ["abc", 1, True])
def test_key_has_to_be_a_function(make_app: MakeApp, value: object) -> None:
    with pytest.raises(ConfigError, match=f"DATASTAR_CSP_NONCE is {value!r}; accepted: None, or a function"):
        make_app(DATASTAR_CSP_NONCE=value)


@pytest.mark.parametrize("version", ["v1.0.0", "v1.0.1", "v1.0.2"])
def test_client_that_knows_no_nonces_is_refused(make_app: MakeApp, version: str) -> None:
    url = f"https://cdn.jsdelivr.net/gh/starfederation/datastar@{version}/bundles/datastar.js"

    with pytest.raises(ConfigError, match=rf"DATASTAR_SCRIPT_URL names client {version}, which knows no nonces"):
        make_app(DATASTAR_CSP_NONCE=lambda: "abc", DATASTAR_SCRIPT_URL=url)
    make_app(DATASTAR_CSP_NONCE=None, DATASTAR_SCRIPT_URL=url)
    make_app(DATASTAR_CSP_NONCE=lambda: "abc", DATASTAR_SCRIPT_URL=url.replace(version, "v1.0.3"))
