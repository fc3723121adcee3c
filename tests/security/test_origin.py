"""Who may act in a user's name: a table of headers as browsers, proxies and strangers send them."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from flask_datastar import Datastar
from tests.conftest import MakeApp


class Case(NamedTuple):
    passes: bool
    #: The request's headers; ``Datastar-Request: true`` is added unless the case has its own.
    headers: dict[str, str | None]
    method: str = "POST"
    trusted: tuple[str, ...] = ()
    #: The scheme by which the app itself was reached; behind a TLS proxy without ProxyFix it is http.
    scheme: str = "http"


def case(
    passes: bool, method: str = "POST", trusted: tuple[str, ...] = (), scheme: str = "http", **headers: str | None
) -> Case:
    return Case(passes, {name.replace("_", "-"): value for name, value in headers.items()}, method, trusted, scheme)


SHOP = "shop.example"
TRUSTED = ("https://partner.example", "https://app.partner.example:8443")

CASES = {
    # The header of the Datastar client, which no form and no link of another site can set.
    "client without Origin": case(True, Host=SHOP),
    "header in capitals": case(True, Host=SHOP, Datastar_Request="TRUE"),
    "no header": case(False, Host=SHOP, Datastar_Request=None),
    "empty header": case(False, Host=SHOP, Datastar_Request=""),
    "other header value": case(False, Host=SHOP, Datastar_Request="1"),
    "no header, own origin": case(False, Host=SHOP, Datastar_Request=None, Origin="http://shop.example"),
    "no header, safe method": case(False, "GET", Host=SHOP, Datastar_Request=None),
    "no header, trusted origin": case(
        False, trusted=TRUSTED, Host=SHOP, Datastar_Request=None, Origin="https://partner.example"
    ),
    # The browser's own word.
    "same-origin": case(True, Host=SHOP, Sec_Fetch_Site="same-origin"),
    "none": case(True, Host=SHOP, Sec_Fetch_Site="none"),
    "same-origin in capitals": case(True, Host=SHOP, Sec_Fetch_Site="Same-Origin"),
    "same-site": case(False, Host=SHOP, Sec_Fetch_Site="same-site"),
    "cross-site": case(False, Host=SHOP, Sec_Fetch_Site="cross-site"),
    "empty Sec-Fetch-Site": case(False, Host=SHOP, Sec_Fetch_Site=""),
    "unknown Sec-Fetch-Site": case(False, Host=SHOP, Sec_Fetch_Site="sibling"),
    "same-origin and an Origin that a proxy made unequal": case(
        True, Host="127.0.0.1:8000", Sec_Fetch_Site="same-origin", Origin="https://shop.example"
    ),
    "cross-site and an equal Origin": case(False, Host=SHOP, Sec_Fetch_Site="cross-site", Origin="http://shop.example"),
    "same-site and an equal Origin": case(False, Host=SHOP, Sec_Fetch_Site="same-site", Origin="http://shop.example"),
    "same-origin and origin null": case(True, Host=SHOP, Sec_Fetch_Site="same-origin", Origin="null"),
    # Old browsers: Origin alone.
    "own origin": case(True, Host=SHOP, Origin="http://shop.example"),
    "own origin, port": case(True, Host="shop.example:5000", Origin="http://shop.example:5000"),
    "own origin, other case": case(True, Host="Shop.Example", Origin="http://shop.EXAMPLE"),
    "own origin, https": case(True, Host=SHOP, Origin="https://shop.example", scheme="https"),
    "own origin, default port written out": case(
        True, Host="shop.example:443", Origin="https://shop.example", scheme="https"
    ),
    "TLS proxy passes Host, no ProxyFix": case(True, Host=SHOP, Origin="https://shop.example"),
    "TLS proxy passes Host with its port": case(True, Host="shop.example:443", Origin="https://shop.example"),
    "TLS proxy on another port passes Host": case(True, Host="shop.example:8443", Origin="https://shop.example:8443"),
    "TLS proxy on another port loses it": case(False, Host=SHOP, Origin="https://shop.example:8443"),
    "proxy passes its upstream as Host": case(False, Host="127.0.0.1:8000", Origin="https://shop.example"),
    "proxy passes its upstream, X-Forwarded-Host unread": case(
        False, Host="127.0.0.1:8000", Origin="https://shop.example", X_Forwarded_Host=SHOP
    ),
    "X-Forwarded-Host of a stranger": case(
        False, Host=SHOP, Origin="https://evil.example", X_Forwarded_Host="evil.example"
    ),
    "other host": case(False, Host=SHOP, Origin="http://evil.example"),
    "subdomain": case(False, Host=SHOP, Origin="http://www.shop.example"),
    "parent domain": case(False, Host="www.shop.example", Origin="http://shop.example"),
    "host as a prefix": case(False, Host=SHOP, Origin="http://shop.example.evil.example"),
    "host as user info": case(False, Host=SHOP, Origin="http://shop.example@evil.example"),
    "host as a path": case(False, Host=SHOP, Origin="http://evil.example/shop.example"),
    "other port": case(False, Host="shop.example:5000", Origin="http://shop.example:5001"),
    "port of the other scheme": case(False, Host="shop.example:80", Origin="https://shop.example", scheme="https"),
    "malformed port": case(False, Host=SHOP, Origin="http://shop.example:port"),
    "IPv6": case(True, Host="[::1]:5000", Origin="http://[::1]:5000"),
    "IPv6 without port": case(True, Host="[2001:db8::1]", Origin="https://[2001:DB8::1]"),
    "IPv6, other address": case(False, Host="[::1]:5000", Origin="http://[::2]:5000"),
    "IPv4": case(True, Host="127.0.0.1:5000", Origin="http://127.0.0.1:5000"),
    "localhost is not 127.0.0.1": case(False, Host="127.0.0.1:5000", Origin="http://localhost:5000"),
    "null origin": case(False, Host=SHOP, Origin="null"),
    "empty origin": case(False, Host=SHOP, Origin=""),
    "file origin": case(False, Host=SHOP, Origin="file://"),
    "extension origin": case(False, Host=SHOP, Origin="chrome-extension://abcdef"),
    # Trusted origins.
    "trusted": case(True, trusted=TRUSTED, Host=SHOP, Origin="https://partner.example"),
    "trusted, cross-site": case(
        True, trusted=TRUSTED, Host=SHOP, Sec_Fetch_Site="cross-site", Origin="https://partner.example"
    ),
    "trusted, default port written out": case(
        True, trusted=TRUSTED, Host=SHOP, Sec_Fetch_Site="cross-site", Origin="https://partner.example:443"
    ),
    "trusted, port": case(
        True, trusted=TRUSTED, Host=SHOP, Sec_Fetch_Site="same-site", Origin="https://app.partner.example:8443"
    ),
    "trusted, other scheme": case(
        False, trusted=TRUSTED, Host=SHOP, Sec_Fetch_Site="cross-site", Origin="http://partner.example"
    ),
    "trusted, other port": case(False, trusted=TRUSTED, Host=SHOP, Origin="https://partner.example:8443"),
    "trusted, its subdomain": case(False, trusted=TRUSTED, Host=SHOP, Origin="https://x.partner.example"),
    "trusted others, null origin": case(False, trusted=TRUSTED, Host=SHOP, Sec_Fetch_Site="cross-site", Origin="null"),
    "trusted others, own origin": case(True, trusted=TRUSTED, Host=SHOP, Origin="http://shop.example"),
    # Methods.
    "GET from another site": case(True, "GET", Host=SHOP, Sec_Fetch_Site="cross-site", Origin="http://evil.example"),
    "HEAD from another site": case(True, "HEAD", Host=SHOP, Sec_Fetch_Site="cross-site"),
    "PUT from another site": case(False, "PUT", Host=SHOP, Sec_Fetch_Site="cross-site"),
    "PATCH from another host": case(False, "PATCH", Host=SHOP, Origin="http://evil.example"),
    "DELETE from another host": case(False, "DELETE", Host=SHOP, Origin="http://evil.example"),
    "DELETE from the same origin": case(True, "DELETE", Host=SHOP, Sec_Fetch_Site="same-origin"),
    "QUERY from another host": case(False, "QUERY", Host=SHOP, Origin="http://evil.example"),
    "QUERY from the same origin": case(True, "QUERY", Host=SHOP, Sec_Fetch_Site="same-origin"),
}


def send(app: Flask, path: str, case: Case) -> tuple[int, str]:
    headers = {"Datastar-Request": "true", **case.headers}
    response = app.test_client().open(
        path,
        method=case.method,
        headers={name: value for name, value in headers.items() if value is not None},
        base_url=f"{case.scheme}://localhost",
    )
    return response.status_code, response.text


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_handler_answers_whom_it_should(make_app: MakeApp, case: Case) -> None:
    app = make_app(DATASTAR_TRUSTED_ORIGINS=case.trusted)
    datastar: Datastar = app.extensions["datastar"]
    ran: list[bool] = []

    @datastar.handler(group="g", methods=["GET", "POST", "PUT", "PATCH", "DELETE", "QUERY"])
    def act() -> None:
        ran.append(True)

    status, _ = send(app, "/ds/g/act", case)

    assert status == ((200 if case.method == "HEAD" else 204) if case.passes else 403)
    assert ran == ([True] if case.passes and case.method != "HEAD" else [])


@pytest.mark.parametrize(
    "case", [case for case in CASES.values() if case.headers.get("Datastar-Request", "true") == "true"]
)
def test_check_origin_does_the_same_for_plain_views(make_app: MakeApp, case: Case) -> None:
    app = make_app(DATASTAR_TRUSTED_ORIGINS=case.trusted)
    datastar: Datastar = app.extensions["datastar"]

    @app.route("/act", methods=["GET", "POST", "PUT", "PATCH", "DELETE", "QUERY"])
    def act() -> tuple[str, int]:
        datastar.check_origin()
        return "", 204

    assert send(app, "/act", case)[0] == (204 if case.passes else 403)


def test_origin_of_a_proxy_with_proxy_fix_passes(app: Flask, datastar: Datastar) -> None:
    app.wsgi_app = ProxyFix(app.wsgi_app, x_host=1, x_proto=1)  # type: ignore[method-assign]
    datastar.handler(group="g", name="act")(lambda: None)
    proxied = {"Host": "127.0.0.1:8000", "X-Forwarded-Host": SHOP, "X-Forwarded-Proto": "https"}

    assert send(app, "/ds/g/act", Case(True, {**proxied, "Origin": "https://shop.example"}))[0] == 204
    assert send(app, "/ds/g/act", Case(False, {**proxied, "Origin": "https://evil.example"}))[0] == 403


@pytest.mark.parametrize(
    ("headers", "texts"),
    [
        ({"Datastar-Request": None}, ["requests need the header 'Datastar-Request: true'"]),
        (
            {"Sec-Fetch-Site": "same-site", "Origin": "https://a.shop.example"},
            [
                "comes from another site (Sec-Fetch-Site: same-site)",
                "add its origin https://a.shop.example to DATASTAR_TRUSTED_ORIGINS",
            ],
        ),
        (
            {"Host": "127.0.0.1:8000", "Origin": "https://shop.example"},
            [
                "the Origin 'https://shop.example' is not this application's own host '127.0.0.1:8000'",
                "nginx: proxy_set_header Host $http_host",
                "werkzeug.middleware.proxy_fix.ProxyFix with x_host=1",
                "DATASTAR_TRUSTED_ORIGINS",
            ],
        ),
        ({"Sec-Fetch-Site": "<script>", "Origin": "<b>"}, ["Sec-Fetch-Site: <script>"]),
    ],
)
def test_refusal_says_what_to_do(
    app: Flask, datastar: Datastar, headers: dict[str, str | None], texts: list[str]
) -> None:
    datastar.handler(group="g", name="act")(lambda: None)
    escaped = str.maketrans({"'": "&#39;", "<": "&lt;", ">": "&gt;"})

    status, body = send(app, "/ds/g/act", Case(False, headers))

    assert status == 403
    for text in texts:
        assert text.translate(escaped) in body


def test_two_apps_trust_their_own_origins(make_app: MakeApp) -> None:
    datastar = Datastar()
    trusting, wary = make_app(datastar, DATASTAR_TRUSTED_ORIGINS=["https://partner.example"]), make_app(datastar)
    datastar.handler(group="g", name="act")(lambda: None)
    case = Case(True, {"Origin": "https://partner.example"})

    assert [send(app, "/ds/g/act", case)[0] for app in (trusting, wary)] == [204, 403]
