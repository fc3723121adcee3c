"""The Redis server of a benchmark, on a port of its own and without files."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from streams_servers import cpu_seconds, pinned

_START_SECONDS = 15


class RedisProcess:
    """A running redis-server on the processor of the measured servers; a context manager."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("redis-server")
        if program is None:
            raise SystemExit("redis-server is needed (on Debian: apt-get install redis-server)")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        command = [program, "--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--appendonly", "no"]
        command += ["--maxclients", "20000", "--dir", str(folder), "--logfile", "redis.log"]
        self._process = subprocess.Popen(pinned(0, command))

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def cpu_seconds(self) -> float:
        """Return the CPU seconds of Redis."""
        return cpu_seconds([self._process.pid])

    def connections(self) -> int:
        """Count the connections, except this one."""
        return self._ask("INFO clients", r"connected_clients:(\d+)") - 1

    def subscribers(self, channel: str) -> int:
        """Count the connections that are subscribed to a channel."""
        return self._ask(f"PUBSUB NUMSUB {channel}", r":(\d+)\r\n")

    def _ask(self, command: str, pattern: str) -> int:
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(f"{command}\r\n".encode())
            answer = ""
            while (found := re.search(pattern, answer)) is None:
                more = connection.recv(65536).decode()
                if not more:
                    raise SystemExit(f"Redis responds to {command} with {answer!r}, which does not match {pattern}")
                answer += more
            return int(found[1])

    def __enter__(self) -> RedisProcess:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            with suppress(OSError):
                self.connections()
                return self
            time.sleep(0.05)
        self.__exit__()
        raise SystemExit("redis-server does not respond")

    def __exit__(self, *error: object) -> None:
        self._process.kill()
        self._process.wait()
