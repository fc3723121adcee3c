"""Several servers of several processes on one Redis, and clients of chosen processes."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.brokers.redis_server import RedisServer
from tests.servers.clients import BreakableClient, Client
from tests.servers.crowd import DEADLINE_SECONDS, Crowd
from tests.servers.serving import ROOT, Server, wait_until
from tests.support.children import plain_environment

#: For how long workers are held at a time: one of them may have been stopped with the lock of the database in its hand,
#: and the one that is wanted waits for that, with everything that it serves.
HOLD_SECONDS = 0.5


@contextmanager
def only(server: Server, pid: int) -> Iterator[None]:
    """Let one worker take what comes, by holding the others."""
    others = [other for other in server.living_pids() if other != pid]
    for other in others:
        os.kill(other, signal.SIGSTOP)
    for other in others:
        wait_until(lambda other=other: is_held(other), f"{other} is held")
    try:
        yield
    finally:
        for other in others:
            os.kill(other, signal.SIGCONT)


def is_held(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


@dataclass(frozen=True)
class Worker:
    """One process of one server."""

    server: Server
    pid: int

    def connections_to(self, port: int) -> int:
        """Count its connections to a port of this machine."""
        inodes = set()
        for descriptor in os.listdir(f"/proc/{self.pid}/fd"):
            # Some are closed meanwhile.
            with suppress(FileNotFoundError):
                found = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(f"/proc/{self.pid}/fd/{descriptor}"))
                if found is not None:
                    inodes.add(found[1])
        lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        # While other sockets come and go, the kernel lists some several times.
        return len({line[9] for line in lines if line[2].endswith(f":{port:04X}")} & inodes)


class Cluster:
    """A Redis, and servers with so many workers each.

    :param app: one of the applications of ``apps``.
    :param environment: as for :class:`Server`.
    """

    def __init__(
        self,
        folder: Path,
        kind: str = "gevent",
        *,
        workers: tuple[int, ...] = (3, 1),
        app: str = "cluster",
        **environment: str,
    ) -> None:
        self.kind = kind
        self.redis = RedisServer()
        self.redis.start()
        self.servers: list[Server] = []
        self.environment = environment | {
            "EXTRA_DATASTAR_BROKER_URL": json.dumps(self.redis.url),
            "EXTRA_DATABASE": json.dumps(str(folder / "state.sqlite")),
        }
        try:
            for number, count in enumerate(workers):
                own = folder / f"server-{number}"
                own.mkdir()
                # Connections are kept, so that a test can choose the worker that gets its next request.
                options = ["--workers", str(count), "--keep-alive", "120"]
                self.servers.append(Server(own, kind, *options, app=app, **self.environment))
            for server, count in zip(self.servers, workers, strict=True):
                wait_until(lambda s=server, n=count: len(s.living_pids()) == n, server.log)
        except BaseException:
            self.kill()
            raise

    def workers(self) -> list[Worker]:
        """List the processes that live."""
        return [Worker(server, pid) for server in self.servers for pid in server.living_pids()]

    def processes_in_redis(self) -> set[bytes]:
        """List the processes that Redis knows anything of, by the names that they gave themselves."""
        with self.redis.client() as client:
            names = {name for key in client.keys("*:processes") for name in client.zrange(key, 0, -1)}
            names |= {key.rpartition(b":")[2] for kind in ("tabs", "scopes") for key in client.keys(f"*:{kind}:*")}
            for key in client.keys("*:scope:*"):
                names |= {field.partition(b"\0")[0] for field in client.hkeys(key)}
        return names

    def tabs_in_redis(self) -> dict[bytes, tuple[float, int]]:
        """Give for how many seconds each process still counts as alive, and how many tabs it has."""
        with self.redis.client() as client:
            (seconds, microseconds), found = client.time(), {}
            for key in client.keys("*:processes"):
                for name, until in client.zrange(key, 0, -1, withscores=True):
                    tabs = client.scard(key.replace(b":processes", b":tabs:" + name))
                    found[name] = (until - seconds - microseconds / 1e6, tabs)
        return found

    def run(self, *arguments: str) -> None:
        """Run Python beside the servers, with the application's configuration."""
        variables = plain_environment(**self.environment)
        done = subprocess.run(
            [sys.executable, *arguments], cwd=ROOT, env=variables, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr, done.stderr

    def logs(self) -> str:
        return "\n".join(server.log() for server in self.servers)

    def stop(self) -> None:
        """Stop the servers in their own way."""
        for server in self.servers:
            server.begin_stop()
        for server in self.servers:
            server.wait_stopped()

    def kill(self) -> None:
        """Leave nothing of it, whatever state it is in."""
        for server in self.servers:
            server.kill()
        self.redis.__exit__()


class Visitors(Crowd):
    """Clients of the workers of a cluster, each of one that the test names."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(cluster.servers[0].port)
        self.cluster = cluster
        self._connections: list[socket.socket] = []

    def __exit__(self, *exception: Any) -> None:
        super().__exit__(*exception)
        for connection in self._connections:
            connection.close()

    def connect(self, worker: Worker) -> socket.socket:
        """Give a connection to a worker, which takes the next request on it."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while json.loads((first := self._open_first(worker)).body)["pid"] != worker.pid:
            assert time.monotonic() < deadline, f"other workers took every connection to {worker.pid}"
        return first.socket

    def _open_first(self, worker: Worker) -> Client:
        """Make a first request on a connection that the worker takes, if it does while the others are held."""
        with only(worker.server, worker.pid):
            first = Client(worker.server.port, "/ready")
            self._connections.append(first.socket)
            self.add(first)
            released = time.monotonic() + HOLD_SECONDS
            while not first.is_ended and time.monotonic() < released:
                self.read(0.02)
        self.wait(lambda: first.is_ended, "a connection")
        self.clients.remove(first)
        return first

    def open_at(self, worker: Worker, path: str, *, connection: socket.socket | None = None, **options: Any) -> Client:
        """Make a request of a worker and read its answer from now on."""
        connection = connection or self.connect(worker)
        return self.open(path, make=BreakableClient, connection=connection, **options)

    def open_streams_at(self, worker: Worker, count: int, path: str, **options: Any) -> list[Client]:
        """Open streams of a worker and wait until all of them are open."""
        opened = [self.open_at(worker, path, **options) for _ in range(count)]
        self.wait_open(opened)
        return opened

    def ask_at(self, worker: Worker, path: str, **options: Any) -> Any:
        """Make a request of a worker, and give the JSON of its answer, or its text."""
        client = self.open_at(worker, path, **options)
        self.wait_answered(client)
        return answer_of(client)

    def wait_answered(self, *clients: Client) -> None:
        """Wait for whole answers."""
        self.wait(lambda: all(client.is_ended for client in clients), "the answers")
        for client in clients:
            self.clients.remove(client)
            client.socket.close()

    def leave_all(self) -> None:
        """Let all leave that are still there."""
        for client in self.clients:
            if client.socket.fileno() >= 0:
                self.leave(client)

    def figures(self) -> list[dict[str, Any]]:
        """Ask all workers for theirs."""
        return [self.ask_at(worker, "/figures") for worker in self.cluster.workers()]


def answer_of(client: Client) -> Any:
    """Give the JSON of an answer, or its text."""
    text = bytes(client.body).decode()
    assert client.status == 200, (client.status, text)
    return json.loads(text) if text[:1] in ("{", "[") else text


def values_of(client: Client, name: str) -> list[Any]:
    """List what a client was sent of one signal, in order."""
    found = []
    for block in client.blocks:
        for line in block.split(b"\n"):
            if line.startswith(b"data: signals "):
                signals = json.loads(line[14:])
                if name in signals:
                    found.append(signals[name])
    return found
