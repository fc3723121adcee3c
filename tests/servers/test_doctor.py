"""`flask datastar doctor` at real deployments: silent on good ones, with the name of the fault on broken ones.

The servers take most of the time, so all start together, and all visits are made together.
"""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
import trustme
from flask import Flask

from flask_datastar import Datastar
from flask_datastar.cli.doctor_http import Site
from flask_datastar.cli.doctor_site import check_site
from flask_datastar.cli.findings import Finding
from flask_datastar.state.app import app_state_of
from tests.brokers.redis_server import RedisServer
from tests.servers.nginx import Nginx
from tests.servers.serving import ROOT, Server
from tests.support.children import server_environment

_TLS = "ssl_certificate {pem}; ssl_certificate_key {pem};"
_PASS = """
proxy_set_header Host $http_host;
proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
proxy_set_header X-Forwarded-Proto $scheme;
"""
_TO_APP = "location / { proxy_pass http://127.0.0.1:{app}; }"


def listen(lines: str = "", *, tls: str = "ssl http2", version: str = "1.1", headers: str = _PASS) -> str:
    return (
        f'listen 127.0.0.1:{{port}} {tls}; {_TLS} proxy_http_version {version}; proxy_set_header Connection "";'
        f"{headers} {lines} {_TO_APP if 'location' not in lines else ''}"
    )


#: Name → the configuration of a proxy.
PROXIES = {
    "good": listen(),
    "buffering": listen("proxy_ignore_headers X-Accel-Buffering;"),
    "gzip": listen("gzip on; gzip_types text/event-stream; gzip_proxied any; gzip_min_length 0;"),
    "time-out": listen("proxy_read_timeout 4s;"),
    "http10": listen(version="1.0"),
    "host": listen(headers=_PASS.replace("$http_host", "$host")),
    "headers": listen('proxy_set_header Last-Event-ID "";'),
    "without http2": listen(tls="ssl"),
    "short lines": listen("large_client_header_buffers 4 4k;"),
    "two": listen("location / { proxy_pass http://two; }"),
}
#: Name → the proxy in front, the path of the app behind it, and the finding, if there is one.
BEHIND_PROXIES = {
    "nginx with TLS and HTTP/2": ("good", "/proxied", None),
    "streams that the extension compresses": ("good", "/compressed", None),
    "proxy buffers": ("buffering", "/proxied", "buffering"),
    "proxy compresses": ("gzip", "/proxied", "compression"),
    "proxy's time-out": ("time-out", "/seldom-alive", "time-out"),
    "HTTP/1.0 upstream": ("http10", "/proxied", "http10"),
    "host without its port": ("host", "/proxied", "host"),
    "a header is removed": ("headers", "/proxied", "headers"),
    "TLS without HTTP/2": ("without http2", "/proxied", "connections"),
    "proxy limits the request line": ("short lines", "/proxied", "request-line"),
    "two servers without a broker": ("two", "/proxied", "processes"),
    "no CSRF": ("good", "/without-csrf", "csrf"),
    "policy forbids": ("good", "/strict", "csp"),
    "no ProxyFix": ("good", "/without-proxy-fix", "proxy-fix"),
    "cookies without Secure": ("good", "/without-secure", "cookie-secure"),
    "cookies without SameSite": ("good", "/without-samesite", "cookie-samesite"),
}
_LIMIT = ("--limit-request-line", "8190")
#: Name → kind of server, its options, and the finding, if there is one.
ALONE: dict[str, tuple[str, tuple[str, ...], str | None]] = {
    "gunicorn": ("gevent", _LIMIT, None),
    "cluster": ("gevent", (*_LIMIT, "--workers", "2"), None),
    "sync": ("sync", _LIMIT, "worker"),
    "unpatched gevent": ("unpatched", (), "worker"),
    "workers without a broker": ("gevent", (*_LIMIT, "--workers", "2"), "processes"),
    "gunicorn's HTTP/2": (
        "gevent",
        (*_LIMIT, "--http-protocols", "h2,h1", "--certfile", "{pem}", "--keyfile", "{pem}"),
        "http2",
    ),
    "short request lines": ("gevent", (), "request-line"),
}

#: How long a doctor waits for what comes at once, on a busy machine too.
PATIENCE = 30.0
#: The same where something never comes.
IMPATIENT = {"proxy buffers": 2.0, "two servers without a broker": 6.0}

Visits = dict[str, list[Finding]]


@pytest.fixture(scope="module")
def visits(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visits]:
    """All deployments, each with the findings of a visit."""
    folder = tmp_path_factory.mktemp("doctor")
    with ExitStack() as stack, ThreadPoolExecutor(32) as pool:
        authority = trustme.CA()
        pem = folder / "pem"
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(pem)
        ports = start_servers(folder, pem, stack, pool)
        urls = {name: f"http{'s' * ('{pem}' in ALONE[name][1])}://127.0.0.1:{port}" for name, port in ports.items()}
        nginx = start_nginx(folder, pem, ports)
        stack.callback(nginx.close)
        for name, (proxy, path, _) in BEHIND_PROXIES.items():
            urls[name] = f"https://127.0.0.1:{nginx.ports[proxy]}{path}"
        found = pool.map(lambda name: visit(name, urls[name], authority), urls)
        yield dict(zip(urls, found, strict=True))


def start_servers(folder: Path, pem: Path, stack: ExitStack, pool: ThreadPoolExecutor) -> dict[str, int]:
    redis = stack.enter_context(RedisServer())

    def start(name: str) -> int:
        kind, options, _ = ALONE[name]
        if kind == "unpatched":
            return start_unpatched(stack)
        own = folder / str(list(ALONE).index(name))
        own.mkdir()
        variables = {"EXTRA_DATASTAR_BROKER_URL": f'"{redis.url}"'} if name == "cluster" else {}
        if "{pem}" in options:
            variables = {"EXTRA_SESSION_COOKIE_SECURE": "true"}
        options = tuple(option.format(pem=pem) for option in options)
        server = Server(own, kind, *options, app="doctored", **variables)
        stack.callback(server.close)
        return server.port

    return dict(zip(ALONE, pool.map(start, ALONE), strict=True))


def start_unpatched(stack: ExitStack) -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        descriptor = listener.fileno()
        command = [sys.executable, "-m", "tests.servers.apps.unpatched", str(descriptor)]
        variables = server_environment()
        process = subprocess.Popen(command, cwd=ROOT, env=variables, pass_fds=[descriptor])
        stack.callback(process.wait)
        stack.callback(process.terminate)
        return int(listener.getsockname()[1])


def start_nginx(folder: Path, pem: Path, ports: dict[str, int]) -> Nginx:
    port = ports["gunicorn"]
    other = ports["short request lines"]
    texts = {name: text.replace("{app}", str(port)).replace("{pem}", str(pem)) for name, text in PROXIES.items()}
    return Nginx(folder / "nginx", texts, more=f"upstream two {{ server 127.0.0.1:{port}; server 127.0.0.1:{other}; }}")


def visit(name: str, url: str, authority: trustme.CA) -> list[Finding]:
    app = Flask("doctored")
    app.config["SECRET_KEY"] = "only for tests"
    Datastar(app)
    site = Site(url)
    authority.configure_trust(site.context)
    return list(check_site(app_state_of(app), site, IMPATIENT.get(name, PATIENCE)))


def finding_of(name: str) -> str | None:
    return ALONE[name][2] if name in ALONE else BEHIND_PROXIES[name][2]


@pytest.mark.parametrize("name", [*ALONE, *BEHIND_PROXIES])
def test_deployment(name: str, visits: Visits) -> None:
    found = visits[name]

    wanted = finding_of(name)
    names = {finding.name for finding in found}
    if name == "two servers without a broker":
        # The second is that with the short request lines.
        names.discard("request-line")
    assert names == ({wanted} if wanted is not None else set()), found
