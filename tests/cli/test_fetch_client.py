"""`flask datastar fetch-client`: what is fetched from where, what is checked, and what is never overwritten."""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from flask_datastar import Datastar
from flask_datastar.cli import client
from flask_datastar.config.settings import DEFAULT_SCRIPT_URL

CLIENT = b"// Datastar v1.0.4\nexport const answer = 42\n"
OTHER = b"// another script\n"


def integrity_of(content: bytes, algorithm: str = "sha256") -> str:
    return f"{algorithm}-{base64.b64encode(hashlib.new(algorithm, content).digest()).decode()}"


@dataclass
class Cdn:
    """A server that answers with one body, or not at all."""

    body: bytes = CLIENT
    status: int = 200
    asked: list[str] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def cdn() -> Iterator[Cdn]:
    served = Cdn()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append(self.path)
            self.send_response(served.status)
            self.send_header("Content-Length", str(len(served.body)))
            self.end_headers()
            self.wfile.write(served.body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        served.url = f"http://127.0.0.1:{server.server_port}/datastar.js"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield served
        server.shutdown()
        thread.join()


Fetch = Callable[..., Result]


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "static" / "datastar.js"


@pytest.fixture
def fetch(target: Path, cdn: Cdn) -> Fetch:
    """Run the command for an app with these settings; by default its client is the server's."""

    def fetch(*arguments: str, command: str = "fetch-client", **settings: Any) -> Result:
        app = Flask("shop", root_path=str(target.parents[1]))
        Datastar(app, **{"script_url": cdn.url, **settings})
        return app.test_cli_runner().invoke(args=["datastar", command, *arguments])

    return fetch


def test_client_is_put_into_the_static_folder(fetch: Fetch, target: Path, cdn: Cdn) -> None:
    result = fetch(script_integrity=integrity_of(CLIENT))

    assert result.exit_code == 0
    assert target.read_bytes() == CLIENT
    assert result.output.splitlines() == [
        "static/datastar.js: created",
        f"    from {cdn.url}, {len(CLIENT)} bytes, {integrity_of(CLIENT)}",
        '    To serve it: DATASTAR_SCRIPT_URL = "/static/datastar.js"',
    ]


def test_unknown_checksum_is_said(fetch: Fetch) -> None:
    result = fetch()

    assert result.exit_code == 0
    assert "No checksum of this file is known" in result.output
    assert integrity_of(CLIENT) in result.output


@pytest.mark.parametrize(
    "integrity",
    [
        integrity_of(CLIENT, "sha384"),
        f"{integrity_of(OTHER)} {integrity_of(CLIENT)}",
        # Of several algorithms only the strongest counts, as in browsers.
        f"{integrity_of(OTHER)} {integrity_of(CLIENT, 'sha512')}",
    ],
)
def test_checksum_is_compared_as_browsers_do(fetch: Fetch, target: Path, integrity: str) -> None:
    assert fetch(script_integrity=integrity).exit_code == 0
    assert target.read_bytes() == CLIENT


@pytest.mark.parametrize("integrity", [integrity_of(OTHER), f"{integrity_of(CLIENT)} {integrity_of(OTHER, 'sha512')}"])
def test_wrong_checksum_writes_nothing(fetch: Fetch, target: Path, integrity: str) -> None:
    result = fetch(script_integrity=integrity)

    assert result.exit_code == 1
    assert f"expected: {integrity}. Nothing was written." in result.output
    assert not target.parent.exists()


def test_second_run_keeps_the_file(fetch: Fetch, target: Path) -> None:
    fetch()
    before = target.stat().st_mtime_ns

    result = fetch()

    assert result.output.startswith("static/datastar.js: nothing to do\n")
    assert target.stat().st_mtime_ns == before


def test_another_file_is_replaced_only_with_force(fetch: Fetch, target: Path, cdn: Cdn) -> None:
    target.parent.mkdir()
    target.write_bytes(OTHER)

    refused = fetch()
    kept = target.read_bytes()
    forced = fetch("--force")

    assert refused.exit_code == 1
    assert f"static/datastar.js differs from {cdn.url} and is kept; --force replaces it." in refused.output
    assert kept == OTHER
    assert forced.output.startswith("static/datastar.js: changed\n")
    assert target.read_bytes() == CLIENT


def test_dry_run_writes_nothing(fetch: Fetch, target: Path) -> None:
    result = fetch("--dry-run")

    assert result.output.startswith("static/datastar.js: would be created\n")
    assert not target.parent.exists()


def test_init_fetches_the_client_unless_told_not_to(fetch: Fetch, target: Path, cdn: Cdn) -> None:
    options = ("--no-layout", "--no-https", "--no-gunicorn")
    fetch(*options, "--no-fetch-client", command="init")
    assert not target.exists()

    result = fetch(*options, command="init")

    assert result.exit_code == 0
    assert target.read_bytes() == CLIENT
    assert fetch(*options, command="init").output == "static/datastar.js: nothing to do\n"
    assert len(cdn.asked) == 1


def test_init_goes_on_without_a_network(fetch: Fetch, target: Path, cdn: Cdn) -> None:
    cdn.status = 500

    result = fetch("--no-layout", "--no-https", command="init")

    assert result.exit_code == 0
    assert result.output.startswith("static/datastar.js: not fetched, so that pages load the client from the CDN. ")
    assert "gunicorn.conf.py: created" in result.output


def test_app_that_serves_the_client_fetches_the_pinned_one(
    fetch: Fetch, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr("flask_datastar.cli.client.download", lambda url: asked.append(url) or CLIENT)

    result = fetch(script_url="/static/datastar.js")

    assert asked == [DEFAULT_SCRIPT_URL]
    assert target.read_bytes() == CLIENT
    assert "To serve it" not in result.output


@pytest.mark.parametrize("status", [404, 500])
def test_refused_download_is_said(fetch: Fetch, target: Path, cdn: Cdn, status: int) -> None:
    cdn.status = status

    result = fetch()

    assert result.exit_code == 1
    assert f"{cdn.url} could not be fetched: HTTP Error {status}" in result.output
    assert "Download it in another way (bundles/datastar.js at the version's tag in the repository" in result.output
    assert not target.exists()


@pytest.mark.parametrize("body", [b"", b" \n", b"\n<!doctype html><title>Blocked</title>"])
def test_body_that_is_no_script_is_refused(fetch: Fetch, target: Path, cdn: Cdn, body: bytes) -> None:
    cdn.body = body

    result = fetch()

    assert result.exit_code == 1
    assert "is empty or an HTML page, not the client. Nothing was written." in result.output
    assert not target.exists()


def test_endless_body_is_refused(fetch: Fetch, target: Path, cdn: Cdn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_MAX_BYTES", len(CLIENT) - 1)

    result = fetch()

    assert result.exit_code == 1
    assert "so it is not the client" in result.output
    assert not target.exists()


def test_app_without_static_folder_is_told_so(cdn: Cdn) -> None:
    app = Flask("shop", static_folder=None)
    Datastar(app, script_url=cdn.url)

    result = app.test_cli_runner().invoke(args=["datastar", "fetch-client"])

    assert result.exit_code == 1
    assert "has no static folder" in result.output
    assert cdn.asked == []
