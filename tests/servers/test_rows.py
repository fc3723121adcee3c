"""Generators run in one app context from their first step to their last: the table holds what the page was told."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.servers.crowd import Crowd
from tests.servers.serving import Server, wait_until

#: Servers for streams, and one that holds none.
STREAM_KINDS = ("gevent", "gthread", "flask")
KINDS = (*STREAM_KINDS, "sync")
on_all = pytest.mark.parametrize("server", KINDS, indirect=True)
on_stream_servers = pytest.mark.parametrize("server", STREAM_KINDS, indirect=True)


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp(request.param)
    server = Server(folder, request.param, app="rows", EXTRA_DATABASE=str(folder / "rows.sqlite"))
    try:
        yield server
        server.close()
    finally:
        server.kill()
    # Nothing but what the tests break on purpose.
    assert server.log().count("Traceback") == server.log().count("RuntimeError: on purpose"), server.log()


def told(server: Server, path: str, **query: object) -> list[Any]:
    """Make a request and return the signals that the page was told, one after the other."""
    is_stream = "stream_" in path or path == "/plain"
    with Crowd(server.port) as crowd:
        client = crowd.ask(path, method="GET" if is_stream else "POST", **query)
    assert client.ids == (["ds:done"] if is_stream else [])
    return [next(iter(json.loads(signals).values())) for signals in re.findall(r"data: signals (.*)", client.text)]


def rows(server: Server, kind: str) -> list[int]:
    return list(json.loads(server.ask("/rows", kind=kind))["rows"])


@on_all
@pytest.mark.parametrize(
    ("path", "stored"),
    [
        ("/ds/t/handler_adds", [0, 1, 2]),
        ("/ds/t/handler_inserts", [0, 1, 2]),
        ("/ds/t/returned", [-1, 0, 1, 2]),
    ],
)
def test_rows_of_a_handler_are_stored(server: Server, path: str, stored: list[int]) -> None:
    check_rows(server, path, stored)


@on_stream_servers
@pytest.mark.parametrize(
    ("path", "stored"),
    [
        ("/ds/t/stream_adds", [0, 1, 2]),
        ("/ds/t/stream_inserts", [-1, 0, 1, 2]),
        ("/ds/t/stream_waits", [0, 1]),
        ("/plain", [0, 1, 2]),
    ],
)
def test_rows_of_a_stream_are_stored(server: Server, path: str, stored: list[int]) -> None:
    check_rows(server, path, stored)


def check_rows(server: Server, path: str, stored: list[int]) -> None:
    """Check that the table holds what the page was told, and that the request was torn down once."""
    assert told(server, path) == [number for number in stored if number >= 0]

    assert rows(server, path.rpartition("/")[2]) == stored
    wait_until(lambda: server.figures()["calls"].get(f"{path} app"), lambda: server.figures())
    figures = server.figures()
    assert (figures["calls"][f"{path} request"], figures["calls"][f"{path} app"]) == (1, 1)
    assert figures["errors"][path] == ["NoneType"]
    assert figures["checked_out"] == 0


@on_all
@pytest.mark.parametrize(("path", "name"), [("/ds/t/handler_works", "job"), ("/ds/jobs/run", "number")])
def test_object_of_the_first_step_is_stored_in_every_step(server: Server, path: str, name: str) -> None:
    check_job(server, path, name)


@on_stream_servers
def test_object_of_a_stream_s_first_step_is_stored_in_every_step(server: Server) -> None:
    check_job(server, "/ds/t/stream_works", "job")


def check_job(server: Server, path: str, name: str) -> None:
    job = int(server.ask("/job", method="POST"))

    assert told(server, path, **{name: job}) == [1, 2, 3, 4, 5]

    assert json.loads(server.ask(f"/job/{job}")) == {"done": 5}


@on_all
def test_uploaded_file_is_read_in_every_step(server: Server) -> None:
    body = (
        b"--b\r\nContent-Disposition: form-data; name=file; filename=a.txt\r\n\r\n"
        + b"".join(b"%d\n" % number for number in range(5))
        + b"\r\n--b--\r\n"
    )
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    headers = {"Datastar-Request": "true", "Content-Type": "multipart/form-data; boundary=b"}
    connection.request("POST", "/ds/t/uploads", body, headers)

    assert re.findall(rb'"told":(\d)', connection.getresponse().read()) == [b"0", b"1", b"2", b"3", b"4"]

    connection.close()
    assert rows(server, "uploads") == [0, 1, 2, 3, 4]


@on_all
def test_exception_in_the_middle_reaches_teardown_functions(server: Server) -> None:
    path = "/ds/t/breaks"

    assert told(server, path) == [0]

    wait_until(lambda: server.figures()["calls"].get(f"{path} app"), lambda: server.figures())
    assert server.figures()["errors"][path] == ["RuntimeError"]
    assert server.figures()["calls"][f"{path} request"] == 1
    assert rows(server, "breaks") == [0]


@on_all
@pytest.mark.parametrize("way", ["close", "reset"])
@pytest.mark.parametrize("when", ["at once", "later"])
def test_client_that_leaves_keeps_what_was_committed(server: Server, when: str, way: str) -> None:
    path, before = "/ds/t/endless", server.figures()
    stored_before = rows(server, "endless")

    with Crowd(server.port) as crowd:
        client = crowd.open(path, method="POST")
        if when == "later":
            crowd.wait(lambda: len(client.blocks) > 3, lambda: client.text)
        crowd.leave(client, way)
        last = max((int(number) for number in re.findall(r'"told":(\d+)', client.text)), default=0)

    def was_called(name: str) -> int:
        return int(server.figures()["calls"].get(name, 0)) - int(before["calls"].get(name, 0))

    wait_until(lambda: was_called(f"{path} app"), lambda: server.figures())
    assert (was_called(f"{path} request"), was_called(f"{path} app")) == (1, 1)
    assert (was_called("endless finally"), was_called("endless pending")) == (1, 1)
    assert server.figures()["errors"][path][-1] == "GeneratorExit"
    stored = rows(server, "endless")[len(stored_before) :]
    assert stored == list(range(len(stored)))
    assert len(stored) > last
    assert server.figures()["checked_out"] == 0


@on_all
def test_answer_to_head_tears_down_once(server: Server) -> None:
    path = "/ds/t/stream_adds"
    before = server.figures()["calls"]

    server.ask(path, method="HEAD")

    after = server.figures()["calls"]
    assert after[f"{path} request"] - before.get(f"{path} request", 0) == 1
    assert after[f"{path} app"] - before.get(f"{path} app", 0) == 1
