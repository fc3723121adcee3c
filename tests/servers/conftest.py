"""Real servers, and clients over raw sockets: no browser. A server that a test leaves a traceback with fails it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.servers.crowd import Crowd
from tests.servers.serving import KINDS, Server

# They are applications for the servers, and programs that read streams; the test process itself does not import them.
collect_ignore = ["apps", "readers"]


@pytest.fixture(scope="session")
def shared_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Server]]:
    """The servers that more than one test uses, by kind."""
    servers: dict[str, Server] = {}
    yield servers
    try:
        for server in servers.values():
            server.begin_stop()
        for server in servers.values():
            server.wait_stopped()
    finally:
        for server in servers.values():
            server.kill()


@pytest.fixture
def use_server(
    shared_servers: dict[str, Server], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Server]]:
    """Give the shared server of a kind, idle, and with nothing remembered of earlier tests."""
    used: list[tuple[Server, int]] = []

    def use(kind: str) -> Server:
        if kind not in shared_servers:
            shared_servers[kind] = Server(tmp_path_factory.mktemp(kind), kind)
        server = shared_servers[kind]
        server.wait_idle()
        server.ask("/forget", method="POST")
        used.append((server, len(server.log())))
        return server

    yield use
    for server, length in used:
        log = server.log()[length:]
        assert "Traceback" not in log, log


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest, use_server: Callable[[str], Server]) -> Server:
    return use_server(request.param)


@pytest.fixture
def gevent_server(use_server: Callable[[str], Server]) -> Server:
    return use_server("gevent")


@pytest.fixture
def crowd(server: Server) -> Iterator[Crowd]:
    with Crowd(server.port) as crowd:
        yield crowd


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start a server of the test's own; arguments are those of :class:`Server`."""
    servers: list[Server] = []

    def start(kind: str, *options: str, **more: object) -> Server:
        folder = tmp_path / f"server-{len(servers)}"
        folder.mkdir()
        servers.append(Server(folder, kind, *options, **more))  # type: ignore[arg-type]
        return servers[-1]

    yield start
    try:
        for server in servers:
            server.close()
    finally:
        for server in servers:
            server.kill()
