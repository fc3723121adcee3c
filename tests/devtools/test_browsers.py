"""Names of browsers, and names of hosts that no stranger has."""

from __future__ import annotations

import pytest
from flask import Flask
from werkzeug.http import parse_cookie

from flask_datastar.devtools.browsers import find_browser, is_known_host, is_own_request, new_cookie


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "localhost:5000", "shop.localhost:80", "127.0.0.1:5000", "192.168.1.7", "[::1]:5000", "[::1]"),
        *("dev.example", "dev.example:8000", "a.team.example", "named.example:80"),
    ],
)
def test_own_names_are_known(app: Flask, host: str) -> None:
    app.config["TRUSTED_HOSTS"] = ["dev.example", ".team.example"]
    app.config["SERVER_NAME"] = "named.example"

    assert is_known_host(app, {"HTTP_HOST": host})


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "evil.example:5000", "xlocalhost", ""),
        *("127.0.0.1@evil.example", "localhost evil", "127.0.0.1:80:80", "[::1", "0x7f000001"),
        *("dev.example.evil.example", "localhost\r\nX: 1"),
    ],
)
def test_names_that_a_stranger_can_point_here_are_not(app: Flask, host: str) -> None:
    app.config["TRUSTED_HOSTS"] = ["dev.example"]

    assert not is_known_host(app, {"HTTP_HOST": host})


def test_a_request_without_a_host_names_the_server(app: Flask) -> None:
    assert is_known_host(app, {"SERVER_NAME": "127.0.0.1"})
    assert not is_known_host(app, {})


def test_cookie_is_random_and_hidden_from_scripts() -> None:
    first = new_cookie({"wsgi.url_scheme": "https", "SCRIPT_NAME": "/shop"})
    second = new_cookie({})

    assert first.endswith("; Secure; HttpOnly; Path=/shop; SameSite=Lax")
    assert second.endswith("; HttpOnly; Path=/; SameSite=Lax")
    names = [find_browser({"HTTP_COOKIE": cookie.partition(";")[0]}) for cookie in (first, second)]
    assert None not in names
    assert names[0] != names[1]
    assert len(parse_cookie(first)["datastar_timeline"]) == 43


@pytest.mark.parametrize(
    "value", ["", "short", "a" * 44, "a" * 42 + "é", "../" + "a" * 40, "a" * 42 + " ", "a" * 43 + "=b"]
)
def test_other_values_name_no_browser(value: str) -> None:
    assert find_browser({"HTTP_COOKIE": f"datastar_timeline={value}"}) is None


@pytest.mark.parametrize(
    ("environ", "is_own"),
    [
        ({"HTTP_DATASTAR_TIMELINE": "1"}, True),
        ({"HTTP_DATASTAR_TIMELINE": "1", "HTTP_SEC_FETCH_SITE": "same-origin"}, True),
        ({"HTTP_DATASTAR_TIMELINE": "1", "HTTP_SEC_FETCH_SITE": "same-site"}, False),
        ({"HTTP_DATASTAR_TIMELINE": "1", "HTTP_SEC_FETCH_SITE": "cross-site"}, False),
        ({"HTTP_SEC_FETCH_SITE": "same-origin"}, False),
    ],
)
def test_requests_of_other_origins_are_told(environ: dict[str, str], is_own: bool) -> None:
    assert is_own_request(environ) is is_own
