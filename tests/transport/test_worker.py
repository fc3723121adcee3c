"""A worker that is about to stop is known, and one that cannot hold streams, too."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flask_datastar.transport.worker import holds_streams
from tests.support.children import child_environment
from tests.transport.checks import ROOT, all_checks, run_check
from tests.transport.scripts import worker_checks

DEADLINE_SECONDS = 60
#: After which gunicorn kills what has not noticed by itself.
GRACEFUL_SECONDS = 120


@all_checks(worker_checks, "threads", "gevent")
def test_worker_that_stops_is_known(kind: str, name: str) -> None:
    run_check(worker_checks, kind, name)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"gunicorn.socket": object(), "wsgi.multithread": False}, False),
        ({"werkzeug.socket": object(), "wsgi.multithread": False}, False),
        ({"gunicorn.socket": object(), "wsgi.multithread": True}, True),
        ({"werkzeug.socket": object(), "wsgi.multithread": True}, True),
        ({"wsgi.multithread": False}, True),
        ({}, True),
    ],
)
def test_server_that_cannot_hold_streams_is_known(environ: dict[str, object], expected: bool) -> None:
    assert holds_streams(environ) is expected


@contextmanager
def gunicorn(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[bytes], tuple[str, int]]]:
    """Run gunicorn on the application of the scripts; give its process and its address."""
    pytest.importorskip("gunicorn")
    with socket.create_server(("127.0.0.1", 0)) as listener, (folder / "log").open("wb") as log:
        command = [sys.executable, "-m", "gunicorn", "tests.transport.scripts.worker_app:application"]
        command += ["--bind", f"fd://{listener.fileno()}", "--graceful-timeout", str(GRACEFUL_SECONDS), *options]
        # Where gunicorn puts its control socket; two servers must not share it.
        environment = child_environment(has_greenlets="gevent" in options, XDG_RUNTIME_DIR=str(folder))
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=log, stderr=log, pass_fds=[listener.fileno()]
        )
        try:
            yield process, listener.getsockname()
        finally:
            process.terminate()
            try:
                process.wait(DEADLINE_SECONDS)
            except subprocess.TimeoutExpired:
                # At once, with its workers.
                process.send_signal(signal.SIGQUIT)
                process.wait(DEADLINE_SECONDS)


def get(address: tuple[str, int], path: str) -> socket.socket:
    client = socket.create_connection(address, timeout=DEADLINE_SECONDS)
    client.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
    return client


def read_until(client: socket.socket, end: bytes) -> bytes:
    seen = b""
    while end not in seen:
        part = client.recv(4096)
        assert part, seen
        seen += part
    return seen


@pytest.mark.parametrize("worker", ["gevent", "gthread"])
def test_gunicorn_worker_is_known_to_stop_by_sigterm(worker: str, tmp_path: Path) -> None:
    with gunicorn(tmp_path, "--worker-class", worker, "--threads", "4") as (process, address):
        with get(address, "/stream") as client:
            assert b"holds=True connection=True stopping=False" in read_until(client, b"stopping=False\n")
            process.send_signal(signal.SIGTERM)

            # The client does not wait as long as gunicorn would.
            read_until(client, b"stopping\n")
        assert process.wait(DEADLINE_SECONDS) == 0


@pytest.mark.parametrize("worker", ["gevent", "gthread"])
def test_gunicorn_worker_is_known_to_stop_by_max_requests(worker: str, tmp_path: Path) -> None:
    with (
        gunicorn(tmp_path, "--worker-class", worker, "--threads", "4", "--max-requests", "2") as (_, address),
        get(address, "/stream") as client,
    ):
        read_until(client, b"stopping=False\n")
        with get(address, "/") as other:
            read_until(other, b"holds=True connection=True")

        read_until(client, b"stopping\n")


def test_gunicorn_sync_worker_cannot_hold_streams(tmp_path: Path) -> None:
    with gunicorn(tmp_path, "--worker-class", "sync") as (_, address), get(address, "/") as client:
        assert b"holds=False connection=True" in read_until(client, b"stopping=")
