"""Readers of all kinds: each gets every event of a compressed stream as it comes, and then a clean end.

``DATASTAR_READERS=all``, which ``make readers`` sets, adds Firefox, and all of them behind nginx.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import which

import pytest

from example.cluster import Cluster, free_port, start_nginx, wait_for_answer
from flask_datastar.sse import parse_events
from tests.servers.serving import Server, wait_until

FOLDER = Path(__file__).with_name("readers")
EVENTS = 5
CURL = "curl --silent --no-buffer --fail --header 'Datastar-Request: true' --max-time 60"
#: Prints the header of the response apart from the body.
TELLING = CURL + " --write-out '%{{stderr}}%header{{content-encoding}}'"


@dataclass(frozen=True)
class Kind:
    """A program that reads a stream."""

    coding: str
    #: A command of the shell, with the URL in its place.
    command: str
    #: Whether it gives each event at once; others wait until they have read everything.
    is_live: bool = True
    #: Whether it tells which coding it got.
    tells: bool = True

    @property
    def is_installed(self) -> bool:
        return all(which(shlex.split(part)[0]) for part in self.command.split("|"))


def python(name: str, coding: str, *, is_live: bool = True) -> Kind:
    return Kind(coding, f"{shlex.quote(sys.executable)} {FOLDER}/with_{name}.py {coding} {{url}}", is_live=is_live)


def pipe(coding: str) -> Kind:
    command = f"{CURL} --header 'Accept-Encoding: {coding}' {{url}} | {coding} -dc"
    return Kind(coding, command, is_live=False, tells=False)


KINDS = {
    "requests, identity": python("requests", "identity"),
    "requests, zstd": python("requests", "zstd"),
    "requests, gzip": python("requests", "gzip"),
    # It knows zstd only with another package.
    "httpx, gzip": python("httpx", "gzip"),
    "aiohttp, zstd": python("aiohttp", "zstd"),
    "aiohttp, gzip": python("aiohttp", "gzip"),
    "ZstdFile": python("files", "zstd", is_live=False),
    "GzipFile": python("files", "gzip", is_live=False),
    "curl, zstd": Kind("zstd", f"{TELLING} --compressed {{url}}"),
    "curl, gzip": Kind("gzip", f"{TELLING} --compressed --header 'Accept-Encoding: gzip' {{url}}"),
    "curl, HTTP/1.0": Kind("gzip", f"{TELLING} --http1.0 --compressed --header 'Accept-Encoding: gzip' {{url}}"),
    "zstd": pipe("zstd"),
    "gzip": pipe("gzip"),
    "node": Kind("gzip", f"node {FOLDER}/with_fetch.mjs {{url}}"),
}
HAS_ALL = os.environ.get("DATASTAR_READERS") == "all"
#: Those that read what has passed nginx.
PROXIED = [*KINDS] if HAS_ALL else ["requests, zstd", "requests, gzip"]
if HAS_ALL:
    KINDS |= {"Firefox, zstd": python("firefox", "zstd"), "Firefox, gzip": python("firefox", "gzip")}


class Reader:
    """A running program, and what it has written so far."""

    def __init__(self, kind: Kind, url: str) -> None:
        self.kind = kind
        command = f"set -o pipefail; {kind.command.format(url=shlex.quote(url))}"
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self.process = subprocess.Popen(["bash", "-c", command], bufsize=0, **pipes)
        self.text = bytearray()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        while part := self.process.stdout.read(65_536):
            self.text += part

    def finish(self) -> tuple[int, str]:
        """Wait for the end of the program, and return its status and the coding that it told."""
        assert self.process.stderr is not None
        self._thread.join(60)
        said = self.process.stderr.read().decode().strip()
        return self.process.wait(60), said

    def close(self) -> None:
        self.process.kill()
        self._thread.join(60)
        self.process.communicate()


@contextmanager
def nginx(port: int, folder: Path) -> Iterator[int]:
    """Run nginx in front of a server, with the configuration of the example, and yield its port."""
    cluster, own_port = Cluster(folder), free_port()
    start_nginx(cluster, f"127.0.0.1:{own_port}", [port, port])
    try:
        wait_for_answer(cluster, f"http://127.0.0.1:{own_port}/ready")
        yield own_port
    finally:
        cluster.stop()


@pytest.mark.parametrize("kind", ["gevent", "gthread"])
def test_every_reader_gets_each_event_and_a_clean_end(start: Callable[..., Server], tmp_path: Path, kind: str) -> None:
    """All of them at the same time, so that they share the encoders."""
    server = start(kind, app="readers")
    # What differs between the servers is not a matter of the reader, so one of each coding is enough for the second.
    names = [name for name in KINDS if kind == "gevent" or name.startswith("requests")]
    kinds = {name: KINDS[name] for name in names if KINDS[name].is_installed}
    with nginx(server.port, tmp_path) as proxy_port:
        ports = {name: (server.port, kinds[name]) for name in kinds}
        ports |= {f"{name}, nginx": (proxy_port, kinds[name]) for name in PROXIED if name in kinds}
        check_readers(server, ports)


def check_readers(server: Server, kinds: dict[str, tuple[int, Kind]]) -> None:
    """Start readers, each on a port, and check what they read.

    :param kinds: name → the port and the kind.
    """
    readers: dict[str, Reader] = {}
    try:
        for name, (port, found) in kinds.items():
            readers[name] = Reader(found, f"http://127.0.0.1:{port}/ds/t/feed?scope=all")
        wait_until(
            lambda: server.figures()["stats"]["open"] == len(readers),
            lambda: {name: reader.finish() for name, reader in readers.items() if reader.process.poll() is not None},
        )
        for number in range(EVENTS):
            server.ask("/publish", method="POST", n=number)
            wait_for_text(readers, f"MARK {number}.")
        server.ask("/close", method="POST", scope="all")

        ends = {name: reader.finish() for name, reader in readers.items()}
    finally:
        for reader in readers.values():
            reader.close()

    assert ends == {name: (0, found.coding if found.tells else "") for name, (_, found) in kinds.items()}
    expected = parse_events(bytes(readers["requests, identity"].text))
    numbers = [found[1] for event in expected if (found := re.search(r"MARK (\d)", event.wire_data))]
    assert numbers == [str(number) for number in range(EVENTS)]
    assert expected[-1].event_id is not None
    assert [name for name, reader in readers.items() if parse_events(bytes(reader.text)) != expected] == []


def wait_for_text(readers: dict[str, Reader], text: str) -> None:
    """Wait until all readers that give events at once have a text."""

    def late() -> dict[str, bytes]:
        live = {name: bytes(reader.text) for name, reader in readers.items() if reader.kind.is_live}
        return {name: found[-100:] for name, found in live.items() if text.encode() not in found}

    wait_until(lambda: not late(), late)
