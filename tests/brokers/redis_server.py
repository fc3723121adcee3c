"""A redis-server of the tests' own: on a port of its own, without anything on disk, and to be broken in every way."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from redis import Redis

DEADLINE_SECONDS = 60
#: A certificate of the tests' own, for localhost, with its key.
CERTIFICATE = str(Path(__file__).with_name("localhost.pem"))


class RedisServer:
    """The server; a context manager."""

    def __init__(self, *options: str, password: str | None = None) -> None:
        program = shutil.which("redis-server")
        if program is None:
            raise RuntimeError("redis-server is needed for these tests; on Debian: apt-get install redis-server")
        self._program = program
        self._options = [*options, *(["--requirepass", password] if password else [])]
        self._password = password
        self._folder = ""
        self._process = 0
        #: What keeps the ports for this server.
        self._keepers: list[socket.socket] = []
        self.port = self._take_port()
        self._tls_port = 0

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def tls_url(self) -> str:
        """Give the URL of its TLS port, and open that if it is not open yet."""
        if not self._tls_port:
            self._tls_port = self._take_port()
            with self.client() as client:
                client.config_set("tls-cert-file", CERTIFICATE, "tls-key-file", CERTIFICATE, "tls-auth-clients", "no")
                client.config_set("tls-port", self._tls_port)
        return f"rediss://localhost:{self._tls_port}/0?ssl_ca_certs={CERTIFICATE}"

    def _take_port(self) -> int:
        """Give a port that is nobody else's until the end, also while the server is not there.

        A socket that is bound and does not listen keeps it from all but those who name it, as the server does.
        """
        keeper = socket.socket()
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        keeper.bind(("127.0.0.1", 0))
        self._keepers.append(keeper)
        return int(keeper.getsockname()[1])

    def start(self) -> None:
        self._folder = self._folder or tempfile.mkdtemp()
        arguments = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        arguments += ["--dir", self._folder, "--logfile", "server.log", *self._options]
        self._process = _original("posix_spawn")(self._program, ["redis-server", *arguments], os.environ)
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not self._answers():
            assert time.monotonic() < deadline, "redis-server does not answer"
            time.sleep(0.01)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(100)[:5] in (b"+PONG", b"-NOAU")
        except OSError:
            return False

    def kill(self) -> None:
        """End it as if the power went."""
        if self._process:
            os.kill(self._process, signal.SIGKILL)
            _original("waitpid")(self._process, 0)
            self._process = 0

    def freeze(self) -> None:
        os.kill(self._process, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self._process, signal.SIGCONT)

    @contextmanager
    def client(self) -> Iterator[Any]:
        """Give a client to look with."""
        with Redis(port=self.port, password=self._password) as client:
            yield client

    def keys(self) -> list[bytes]:
        with self.client() as client:
            return sorted(client.keys("*"))

    def channels(self) -> list[bytes]:
        with self.client() as client:
            return sorted(client.pubsub_channels("*"))

    def __enter__(self) -> RedisServer:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.kill()
        for keeper in self._keepers:
            keeper.close()
        shutil.rmtree(self._folder)


def _original(name: str) -> Any:
    """Give a function of :mod:`os` without gevent, whose loop would take the exit codes of all children."""
    monkey = sys.modules.get("gevent.monkey")
    return getattr(os, name) if monkey is None else monkey.get_original("os", name)
