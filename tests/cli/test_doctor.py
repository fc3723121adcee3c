"""`flask datastar doctor`: its judgements and its command; ``servers/test_doctor.py`` visits real servers with it."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import pytest
import trustme
from flask import Flask, make_response
from flask_login import LoginManager
from flask_wtf import CSRFProtect
from werkzeug.serving import make_server

from flask_datastar import Datastar
from flask_datastar.cli import doctor_stream
from flask_datastar.cli.doctor_config import check_config
from flask_datastar.cli.doctor_facts import config_facts, server_facts
from flask_datastar.cli.doctor_http import Site
from flask_datastar.cli.doctor_proxy import FORGED_ADDRESS, LAST_EVENT_ID, check_proxy
from flask_datastar.cli.doctor_server import check_processes, check_server
from flask_datastar.state.app import app_state_of

CDN = "https://cdn.example/datastar@v{}/datastar.js"
HTML = '<html {nonce}><head><script type="module" src="{src}" {mark}></script></head><body>_csrf</body></html>'


def names_of(found: Any) -> list[str]:
    return [finding.name for finding in found]


# The configuration


def make_app(**config: Any) -> Flask:
    app = Flask("shop")
    app.config.update(SECRET_KEY="test", SESSION_COOKIE_SAMESITE="Lax")
    app.config.update(config)
    return app


def check(app: Flask, *, is_https: bool | None = None, is_local: bool = False) -> list[str]:
    return names_of(check_config(config_facts(app_state_of(app)), is_https=is_https, is_local=is_local))


@pytest.mark.parametrize(
    ("config", "names"),
    [
        ({}, []),
        ({"SECRET_KEY": None, "SESSION_COOKIE_SAMESITE": None}, []),
        ({"SESSION_COOKIE_SAMESITE": None}, ["cookie-samesite"]),
        ({"SESSION_COOKIE_SAMESITE": "None"}, ["cookie-samesite"]),
        ({"DATASTAR_KEEPALIVE_SECONDS": 90}, ["keepalive"]),
        ({"DATASTAR_SCRIPT_URL": CDN.format("1.0.4")}, []),
        ({"DATASTAR_SCRIPT_URL": CDN.format("0.21.4")}, ["client"]),
        ({"DATASTAR_SCRIPT_URL": CDN.format("2.0.0")}, ["client"]),
        ({"DATASTAR_SCRIPT_URL": "/static/missing.js"}, []),
        ({"DATASTAR_SCRIPT_URL": "https://cdn.example/datastar.js"}, []),
    ],
)
def test_configuration(config: dict[str, Any], names: list[str]) -> None:
    app = make_app(**config)
    Datastar(app)

    assert check(app) == names


def test_cookies_need_secure_over_https_only() -> None:
    app = make_app(REMEMBER_COOKIE_SAMESITE="Lax", SESSION_COOKIE_SECURE=True)
    LoginManager(app)
    Datastar(app)

    assert check(app) == []
    assert check(app, is_https=True) == ["cookie-secure"]


def test_debug_mode_is_for_development() -> None:
    app = make_app(DEBUG=True)
    Datastar(app)

    assert (check(app), check(app, is_local=True)) == (["debug"], [])


def test_views_that_change_something_need_csrf() -> None:
    app = make_app()
    datastar = Datastar(app)
    datastar.handler(group="g")(handle)
    assert check(app) == []

    app.post("/save")(handle)
    found = list(check_config(config_facts(app_state_of(app)), is_https=None, is_local=False))

    assert names_of(found) == ["csrf"]
    assert "something: handle;" in found[0].found
    CSRFProtect(app)
    assert check(app) == []


def handle() -> None:
    """Handle anything."""


@pytest.mark.parametrize(("version", "names"), [("1.0.2", ["client"]), ("1.0.3", []), ("1.0.4", [])])
def test_nonces_need_a_client_that_knows_them(version: str, names: list[str], tmp_path: Path) -> None:
    write_client(tmp_path, version)
    app = Flask("shop", root_path=str(tmp_path))
    app.config["SESSION_COOKIE_SAMESITE"] = "Lax"
    app.secret_key = "test"
    Datastar(app, script_url="/static/datastar.js", csp_nonce=lambda: "abc")

    assert check(app) == names


@pytest.mark.parametrize(("version", "names"), [("1.0.3", ["client"]), ("1.0.4", [])])
def test_query_needs_a_client_that_knows_it(version: str, names: list[str]) -> None:
    app = make_app(DATASTAR_SCRIPT_URL=CDN.format(version))
    Datastar(app).handler(group="g", methods=["QUERY"])(handle)

    assert check(app) == names


def write_client(folder: Path, version: str) -> None:
    (folder / "static").mkdir()
    (folder / "static" / "datastar.js").write_text(f"// Datastar v{version}\n")


# The server and the proxy

CONFIG: dict[str, Any] = {"broker": None, "max_streams": 900}
GUNICORN = {
    "limit_request_line": 8190,
    "worker_connections": 1000,
    "worker_class": "gevent",
    "has_http2": False,
}
SERVER: dict[str, Any] = {"is_one_of_many": False, "refusal": None, "open_files": 4096, "gunicorn": GUNICORN}


@pytest.mark.parametrize(
    ("server", "names"),
    [
        ({}, []),
        ({"gunicorn": None, "open_files": None}, []),
        ({"refusal": "sync handles one request at a time; use gevent"}, ["worker"]),
        ({"is_one_of_many": True, "refusal": "this server runs several processes; set"}, ["processes"]),
        ({"open_files": 900}, ["open-files"]),
        ({"open_files": -1}, []),
        ({"gunicorn": {**GUNICORN, "limit_request_line": 0}}, []),
        ({"gunicorn": {**GUNICORN, "limit_request_line": 4094}}, ["request-line"]),
        ({"gunicorn": {**GUNICORN, "has_http2": True}}, ["http2"]),
        ({"gunicorn": {**GUNICORN, "worker_connections": 900}}, ["worker-connections"]),
        ({"gunicorn": {**GUNICORN, "worker_connections": 900, "worker_class": "gthread"}}, []),
    ],
)
def test_server(server: dict[str, Any], names: list[str]) -> None:
    assert names_of(check_server(SERVER | server, CONFIG)) == names


def test_a_broker_connects_processes() -> None:
    config = CONFIG | {"broker": "redis"}

    assert names_of(check_server(SERVER | {"is_one_of_many": True}, config)) == []
    assert names_of(check_processes({"a", "b"}, config, has_named=False)) == []
    assert names_of(check_processes({"a", "b"}, CONFIG, has_named=False)) == ["processes"]
    assert names_of(check_processes({"a", "b"}, CONFIG, has_named=True)) == []


ARRIVED: dict[str, Any] = {
    "address": "192.0.2.1",
    "scheme": "https",
    "host": "shop.example",
    "protocol": "HTTP/1.1",
    "connection": None,
    "forwarded_for": FORGED_ADDRESS,
    "has_proxy_fix": False,
    "datastar_request": "true",
    "last_event_id": LAST_EVENT_ID,
}


@pytest.mark.parametrize(
    ("arrived", "names"),
    [
        ({}, []),
        ({"host": "SHOP.example:443"}, []),
        ({"host": "127.0.0.1:8000"}, ["host"]),
        ({"address": FORGED_ADDRESS}, ["forged-address"]),
        ({"scheme": "http"}, ["proxy-fix"]),
        ({"forwarded_for": f"{FORGED_ADDRESS}, 192.0.2.1", "address": "127.0.0.1"}, ["proxy-fix"]),
        ({"forwarded_for": f"{FORGED_ADDRESS}, 192.0.2.1", "has_proxy_fix": True}, []),
        ({"protocol": "HTTP/1.0", "connection": "close"}, ["http10"]),
        ({"connection": "Close"}, ["connection"]),
        ({"datastar_request": None}, ["headers"]),
        ({"last_event_id": None}, ["headers"]),
    ],
)
def test_proxy(arrived: dict[str, Any], names: list[str]) -> None:
    assert names_of(check_proxy(ARRIVED | arrived, Site("https://shop.example/"))) == names


@pytest.mark.parametrize("url", ["shop.example", "ftp://shop.example", "https://", "/path"])
def test_what_is_not_a_url_is_refused(url: str) -> None:
    with pytest.raises(click.UsageError, match="it has no scheme or host"):
        Site(url)


@pytest.mark.parametrize(
    ("url", "is_local"),
    [("http://localhost:5000", True), ("https://127.0.0.1", True), ("http://[::1]:80", True), ("http://a.b", False)],
)
def test_local_sites_are_for_development(url: str, is_local: bool) -> None:
    assert Site(url).is_local is is_local


# The command, at a server of this process


class Site5000:
    """An app on a server, which a test changes."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.html = HTML.format(nonce="", src="/static/datastar.js", mark="")
        self.headers: list[tuple[str, str]] = []
        self.status = 200
        app.add_url_rule("/", "index", self.index)

    def index(self) -> Any:
        response = make_response(self.html, self.status)
        response.headers.extend(self.headers)
        return response


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site5000:
    monkeypatch.setattr(doctor_stream, "MARGIN_SECONDS", 0.1)
    write_client(tmp_path, "1.0.4")
    app = Flask("shop", root_path=str(tmp_path))
    app.config.update(
        SECRET_KEY="test",
        SESSION_COOKIE_SAMESITE="Lax",
        DATASTAR_SCRIPT_URL="/static/datastar.js",
        DATASTAR_KEEPALIVE_SECONDS=0.2,
        DATASTAR_DOCTOR=True,
    )
    return Site5000(app)


@contextmanager
def serving(app: Flask, certificate: str | None = None) -> Iterator[str]:
    context = (certificate, certificate) if certificate is not None else None
    server = make_server("127.0.0.1", 0, app, threaded=True, ssl_context=context)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http{'s' * (context is not None)}://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def url(site: Site5000) -> Iterator[str]:
    Datastar(site.app)
    with serving(site.app) as url:
        yield url


def run(app: Flask, *arguments: str) -> tuple[int, str]:
    result = app.test_cli_runner().invoke(args=["datastar", "doctor", *arguments])
    return result.exit_code, result.output


def test_command_is_silent_at_a_good_site(site: Site5000, url: str) -> None:
    assert run(site.app, url) == (0, f"Nothing found in {url}.\n")


def test_command_without_a_url_judges_the_configuration(make_app: Any) -> None:
    good, bad = make_app(SESSION_COOKIE_SAMESITE="Lax"), make_app()

    assert run(good)[0] == 0
    assert run(good)[1].startswith("Nothing found in the configuration; name the URL of the running application")
    assert run(bad) == (
        1,
        "cookie-samesite: SESSION_COOKIE_SAMESITE is None, so that some browsers send the cookie with requests that "
        'other sites make.\n    SESSION_COOKIE_SAMESITE = "Lax".\n',
    )
    assert run(bad, "--ignore", "cookie-samesite")[0] == 0


def test_preferred_scheme_says_that_browsers_use_https(make_app: Any) -> None:
    app = make_app(SESSION_COOKIE_SAMESITE="Lax", PREFERRED_URL_SCHEME="https")

    assert run(app)[1].startswith("cookie-secure: ")


def test_site_that_does_not_respond(make_app: Any) -> None:
    status, output = run(make_app(), "http://127.0.0.1:9")

    assert status == 1
    assert output.startswith("unreachable: http://127.0.0.1:9 cannot be reached: ")


def test_certificate_that_cannot_be_verified(site: Site5000, tmp_path: Path) -> None:
    Datastar(site.app)
    pem = tmp_path / "pem"
    trustme.CA().issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(pem)
    with serving(site.app, str(pem)) as url:
        strict, trusting = run(site.app, url), run(site.app, url, "--insecure")

    assert strict[0] == 1
    assert "a certificate that browsers trust (for development mkcert makes one), or --insecure" in strict[1]
    names = [line.partition(":")[0] for line in trusting[1].splitlines() if line[0] != " "]
    assert names == ["cookie-secure", "connections"]


def test_what_is_not_http(make_app: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"220 mail\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        status, output = run(make_app(), f"http://127.0.0.1:{listener.getsockname()[1]}")
        thread.join()

    assert status == 1
    assert "cannot be reached: BadStatusLine 220 mail" in output


def test_http_has_no_http2() -> None:
    assert not Site("http://shop.example").speaks_http2()


def test_open_files_are_not_known_everywhere(make_app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resource", None)

    assert server_facts(app_state_of(make_app()), {})["open_files"] is None


def test_site_without_the_probe(site: Site5000, url: str) -> None:
    stranger = Flask("shop")
    stranger.config.update(SECRET_KEY="another", SESSION_COOKIE_SAMESITE="Lax")
    Datastar(stranger)
    keyless = make_app(SECRET_KEY=None)
    Datastar(keyless)
    elsewhere = make_app()
    Datastar(elsewhere, url_prefix="/elsewhere")

    assert "refuses to report: the doctor's token was signed with another SECRET_KEY" in run(stranger, url)[1]
    assert run(keyless, url)[1].startswith("secret-key: ")
    assert "does not report (status 404)" in run(elsewhere, url)[1]
    assert "DATASTAR_DOCTOR = True" in run(elsewhere, url)[1]


NONCE = 'data-nonce="abc"'
MARK = 'nonce="abc"'


@pytest.mark.parametrize(
    ("policy", "nonce", "mark", "is_allowed"),
    [
        # Without a nonce the client evaluates its expressions.
        ("script-src 'self' 'unsafe-eval'", "", "", True),
        ("script-src 'self'", "", "", False),
        ("default-src 'self'", "", "", False),
        ("img-src 'self'", "", "", True),
        ("script-src 'unsafe-eval' https://cdn.example", "", "", False),
        ("script-src 'unsafe-eval' *", "", "", True),
        ("script-src 'unsafe-eval' http:", "", "", True),
        # With one.
        ("script-src 'nonce-abc'", NONCE, MARK, True),
        ("script-src 'nonce-abc' 'strict-dynamic'", NONCE, MARK, True),
        ("script-src 'self' 'nonce-abc'", NONCE, "", True),
        ("script-src 'self' 'nonce-abc' 'strict-dynamic'", NONCE, "", False),
        ("script-src 'self' 'nonce-other'", NONCE, MARK, False),
        ("script-src 'unsafe-eval' *.example", "", "", True),
        ("script-src 'unsafe-eval' http://shop.example/static/", "", "", True),
        ("script-src 'self'", NONCE, MARK, False),
        # Requests of the page.
        ("script-src 'nonce-abc'; connect-src 'none'", NONCE, MARK, False),
        ("script-src 'nonce-abc'; connect-src 'self'", NONCE, MARK, True),
        ("default-src 'nonce-abc'", NONCE, MARK, False),
        # All of several policies hold.
        ("script-src 'nonce-abc', script-src 'none'", NONCE, MARK, False),
    ],
)
def test_policy(policy: str, nonce: str, mark: str, is_allowed: bool) -> None:
    from flask_datastar.cli.doctor_http import Answer
    from flask_datastar.cli.doctor_page import check_page

    headers = make_headers(("Content-Security-Policy", policy))
    html = HTML.format(nonce=nonce, src="/static/datastar.js", mark=mark)
    facts = {"cookies": [], "has_csrf": True}

    found = check_page(Answer(200, headers, html.encode()), Site("http://shop.example"), facts)

    assert set(names_of(found)) == (set() if is_allowed else {"csp"})


def make_headers(*headers: tuple[str, str]) -> Any:
    from http.client import HTTPMessage

    message = HTTPMessage()
    for name, value in headers:
        message[name] = value
    return message


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"status": 404}, "page"),
        ({"html": "<html></html>"}, "page"),
        ({"html": HTML.format(nonce="", src="/static/no-datastar.js", mark="")}, "client"),
        ({"html": HTML.format(nonce="", src=CDN.format("0.9.0"), mark="")}, "client"),
        ({"headers": [("Set-Cookie", "a=b; Path=/; Secure")]}, "cookie-samesite"),
        ({"headers": [("Set-Cookie", "session=b; Path=/")]}, None),
    ],
)
def test_page(site: Site5000, url: str, changes: dict[str, Any], name: str | None) -> None:
    for key, value in changes.items():
        setattr(site, key, value)

    status, output = run(site.app, url)

    assert status == (name is not None)
    assert [line.partition(":")[0] for line in output.splitlines() if line[0] != " "] == [
        name or "Nothing found in http"
    ]


@pytest.mark.parametrize(
    ("location", "found"),
    [
        ("/login?next=/", "Nothing found"),
        ("login", "Nothing found"),
        ("https://127.0.0.1/", "page: the page is answered with 302, a redirect to https://127.0.0.1/."),
        ("http://sso.example/", "page: the page is answered with 302, a redirect to http://sso.example/."),
        ("/", "page: the page is answered with 302, a redirect to /."),
    ],
)
def test_redirects_within_the_site_are_followed(site: Site5000, url: str, location: str, found: str) -> None:
    html = site.html
    site.app.add_url_rule("/login", "login", lambda: html)
    site.status, site.headers = 302, [("Location", location)]

    assert run(site.app, url)[1].startswith(found)


def test_page_is_named(site: Site5000, url: str) -> None:
    html, site.status = site.html, 404
    site.app.add_url_rule("/shop", "shop", lambda: html)

    assert run(site.app, url)[1].startswith("page: the page is answered with 404.")
    assert run(site.app, url, "--page", "shop") == (0, f"Nothing found in {url}.\n")


def test_page_needs_the_token_where_it_is_checked(site: Site5000, url: str) -> None:
    CSRFProtect(site.app)
    site.html = site.html.replace("_csrf", "")

    assert run(site.app, url)[1].startswith("csrf: the page has no CSRF token")
