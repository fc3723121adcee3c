"""What is found of a server: whether it holds streams, and in how many threads.

The servers themselves are tried by ``tests/servers/try_servers.py``.
"""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

from flask_datastar.transport.servers import Server, find_server
from tests.support.servers import MANY, WAITRESS, inside
from tests.transport.checks import all_checks, run_check
from tests.transport.scripts import server_checks

ONE_AT_A_TIME = "handles one request at a time, and a stream would block it"


@all_checks(server_checks, "greenlets")
def test_greenlets_are_told_from_threads(kind: str, name: str) -> None:
    pytest.importorskip("gevent")
    run_check(server_checks, kind, name)


@pytest.mark.parametrize(
    ("environ", "reason"),
    [
        ({"gunicorn.socket": object(), "wsgi.multithread": False}, f"gunicorn's sync worker {ONE_AT_A_TIME}"),
        (
            {"werkzeug.socket": object(), "wsgi.multithread": False},
            f"Werkzeug's server without threads {ONE_AT_A_TIME}",
        ),
        (
            {"werkzeug.socket": object(), "wsgi.multithread": False, "wsgi.multiprocess": True},
            "Werkzeug's server with processes starts a process for each request",
        ),
        ({"SERVER_SOFTWARE": "Passenger", "wsgi.multithread": False}, f"Passenger {ONE_AT_A_TIME}"),
        ({"SERVER_SOFTWARE": "Passenger"}, f"Passenger {ONE_AT_A_TIME}"),
        ({"SERVER_SOFTWARE": "x", "wsgi.multithread": True, "wsgi.run_once": True}, "this server starts a process for"),
        ({"wsgi.run_once": True}, "this server starts a process for each request"),
        ({"SERVER_SOFTWARE": "WSGIServer/0.2", "wsgi.multithread": False}, f"wsgiref's server {ONE_AT_A_TIME}"),
        ({"uwsgi.version": b"2.0", "wsgi.multithread": False}, r"uWSGI handles one .*--threads 20.*--gevent"),
        ({"uwsgi.version": b"2.0", "wsgi.multithread": False, "wsgi.multiprocess": True}, "uWSGI handles one request"),
        (
            {"SERVER_SOFTWARE": "Apache/2.4", "mod_wsgi.version": (5, 0), "wsgi.multithread": False},
            f"Apache/2.4 {ONE_AT_A_TIME}",
        ),
        ({"asgi.scope": {}, **MANY}, "a bridge runs this application for an ASGI server and does not say when"),
    ],
)
def test_server_that_holds_no_streams_is_refused(environ: dict[str, Any], reason: str) -> None:
    refusal = find_server(environ).refusal

    assert refusal is not None
    assert re.match(reason, refusal), refusal
    assert "gunicorn -k gevent" in refusal


@pytest.mark.parametrize(
    "environ",
    [
        *[{}, {"wsgi.multithread": False}, {"wsgi.multithread": True}, MANY],
        {"gunicorn.socket": object(), "SERVER_SOFTWARE": "gunicorn/23", **MANY},
        {"werkzeug.socket": object(), "SERVER_SOFTWARE": "Werkzeug/3", "wsgi.multithread": True},
    ],
)
def test_server_of_which_nothing_speaks_against_it_is_trusted(environ: dict[str, Any]) -> None:
    found = find_server(environ)

    assert (found.refusal, found.threads, found.hides_threads, found.hidden_processes) == (None, None, False, "")


def found_inside(module: str, environ: dict[str, Any]) -> Server:
    """Ask as an application does that this module has called."""
    return inside(module, lambda: find_server(environ))


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("a2wsgi.wsgi", "a2wsgi"),
        ("asgiref.wsgi", "asgiref"),
        ("hypercorn.app_wrappers", "Hypercorn"),
        ("starlette.middleware.wsgi", "Starlette's WSGIMiddleware"),
        ("uvicorn.middleware.wsgi", "uvicorn's WSGIMiddleware"),
        # Of a bridge that nobody has named here.
        ("asyncio.events", "a bridge"),
        ("anyio._backends._asyncio", "a bridge"),
    ],
)
def test_bridge_is_called_by_its_name(module: str, name: str) -> None:
    refusal = found_inside(module, MANY).refusal

    assert refusal is not None
    assert refusal.startswith(f"{name} runs this application for an ASGI server and does not say when a client leaves")


def test_bridge_of_another_name_is_known_by_its_threads() -> None:
    with ThreadPoolExecutor(1) as threads:
        refusal = threads.submit(find_server, MANY).result().refusal

    assert refusal is not None
    assert refusal.startswith("a bridge runs this application for an ASGI server")


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        ("tornado.wsgi", "Tornado collects a response before it sends any of it"),
        ("bjoern", f"bjoern {ONE_AT_A_TIME}"),
    ],
)
def test_server_without_a_name_is_known_by_its_module(module: str, reason: str) -> None:
    refusal = found_inside(module, {"wsgi.multithread": False, "wsgi.multiprocess": True}).refusal

    assert refusal is not None
    assert refusal.startswith(reason)


def test_tornado_with_threads_is_known_by_its_module(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tornado.wsgi", SimpleNamespace())  # type: ignore[arg-type]
    with ThreadPoolExecutor(1) as threads:
        refusal = threads.submit(find_server, MANY).result().refusal

    assert refusal is not None
    assert refusal.startswith("Tornado collects a response before it sends any of it")


def test_server_with_a_name_is_not_asked_who_calls() -> None:
    # A test of an ASGI application may call an application that gunicorn serves.
    environ = {"gunicorn.socket": object(), "SERVER_SOFTWARE": "gunicorn/23", **MANY}

    assert found_inside("asgiref.wsgi", environ).refusal is None


# Threads


class CherootThread(threading.Thread):
    """Of cheroot: a thread of its pool, which knows the server."""

    server = SimpleNamespace(requests=SimpleNamespace(min=8))

    def __init__(self, environ: dict[str, Any]) -> None:
        super().__init__(name="CP Server Thread-1")
        self._environ = environ
        self.found = Server()

    def run(self) -> None:
        self.found = find_server(self._environ)


CherootThread.__module__ = "cheroot.workers.threadpool"


@pytest.mark.parametrize("name", ["waitress", "my own name"])
def test_threads_of_waitress_are_counted(name: str) -> None:
    known = find_server({**WAITRESS, "SERVER_SOFTWARE": name})

    assert (known.name, known.threads, known.refusal, known.hides_threads) == ("waitress", 7, None, False)


def test_waitress_without_a_number_hides_it() -> None:
    found = find_server({"SERVER_SOFTWARE": "waitress", "wsgi.multithread": True})

    assert (found.name, found.threads, found.hides_threads) == ("waitress", None, True)


def test_threads_of_cheroot_are_counted() -> None:
    thread = CherootThread({"SERVER_SOFTWARE": "Cheroot/11", "wsgi.multithread": True})
    thread.start()
    thread.join()

    assert (thread.found.name, thread.found.threads, thread.found.hides_threads) == ("cheroot", 8, False)


@pytest.mark.parametrize(("options", "threads"), [({"threads": b"6"}, 6), ({}, None), ({"threads": b"x"}, None)])
def test_threads_of_uwsgi_are_counted(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, bytes], threads: int | None
) -> None:
    monkeypatch.setitem(sys.modules, "uwsgi", SimpleNamespace(opt=options))  # type: ignore[arg-type]

    found = find_server({"uwsgi.version": b"2.0", "wsgi.multithread": True})

    assert (found.name, found.threads, found.hides_threads) == ("uWSGI", threads, threads is None)


@pytest.mark.parametrize(("known", "threads"), [({"threads_per_process": 15}, 15), ({}, None)])
def test_threads_of_mod_wsgi_are_counted(
    monkeypatch: pytest.MonkeyPatch, known: dict[str, int], threads: int | None
) -> None:
    monkeypatch.setitem(sys.modules, "mod_wsgi", SimpleNamespace(**known))  # type: ignore[arg-type]

    found = find_server({"SERVER_SOFTWARE": "Apache/2.4", "mod_wsgi.version": (5, 0), "wsgi.multithread": True})

    assert (found.name, found.threads, found.hides_threads) == ("mod_wsgi", threads, threads is None)


def test_threads_and_processes_of_granian_are_hidden() -> None:
    found = find_server({"SERVER_SOFTWARE": "Granian", "wsgi.multithread": True, "wsgi.multiprocess": False})

    assert (found.name, found.hides_threads, found.hidden_processes) == ("Granian", True, "--workers")


def test_threads_of_twisted_are_hidden() -> None:
    # It leaves its name out.
    found = found_inside("twisted.web.wsgi", {"wsgi.multithread": True})

    assert (found.name, found.refusal, found.hides_threads) == ("Twisted", None, True)


def test_threads_of_a_server_of_another_name_are_hidden() -> None:
    found = find_server({"SERVER_SOFTWARE": "Unit/1.34", "wsgi.multithread": True})

    assert (found.name, found.refusal, found.hides_threads) == ("Unit/1.34", None, True)


def serve_by_socketserver(find: Callable[[], None]) -> None:
    """Call as ``socketserver.ThreadingMixIn`` does."""
    thread = threading.Thread(target=find, name="Thread-1 (process_request_thread)")
    thread.start()
    thread.join()


def test_wsgiref_with_threads_is_trusted() -> None:
    found: list[Server] = []

    serve_by_socketserver(lambda: found.append(find_server({"SERVER_SOFTWARE": "WSGIServer/0.2"})))
    found.append(find_server({"SERVER_SOFTWARE": "WSGIServer/0.2", "wsgi.multithread": True}))

    assert [(server.refusal, server.hides_threads) for server in found] == [(None, False)] * 2
