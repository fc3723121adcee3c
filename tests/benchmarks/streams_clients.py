"""The clients of the benchmark of streams, all in one C program."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from streams_servers import HERE, Server, Subject, pinned

#: The longest wait for a command to the load client, which gives up earlier by itself and prints the reason.
_ANSWER_SECONDS = 150


class Load:
    """The clients, as a running C program that takes commands."""

    def __init__(
        self, program: Path, server: Server, subject: Subject, streams: int, publish: str = "/publish?k={k}"
    ) -> None:
        arguments = [str(program), str(server.port), subject.stream, publish, str(streams)]
        arguments.append(subject.protocol)
        self._server = server
        self._process = subprocess.Popen(
            pinned(1, arguments), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        try:
            self.answer("open")
        except BaseException:
            self.kill()
            raise

    def tell(self, command: str) -> list[float]:
        """Send a command, and return its figures."""
        self.send(command)
        return self.answer(command)

    def send(self, command: str) -> None:
        """Send a command."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n")

    def answer(self, command: str) -> list[float]:
        """Wait for the figures of a command.

        :raises SystemExit: if the load client has failed.
        """
        assert self._process.stdout is not None
        is_there, _, _ = select.select([self._process.stdout], [], [], _ANSWER_SECONDS)
        words = self._process.stdout.readline().split() if is_there else []
        if not words:
            raise SystemExit(f"{self._server.name}: the load client failed at {command!r}:\n{self._server.log()}")
        return [float(word) for word in words[1:]]

    def kill(self) -> None:
        """Close all connections at once."""
        self._process.kill()
        self._process.communicate()


@contextmanager
def running(program: Path, subject: Subject, folder: Path, streams: int) -> Iterator[tuple[Server, Load, float]]:
    """Start a server and open streams, and yield both, with the memory of one stream in KiB."""
    server = Server(subject, folder)
    try:
        time.sleep(1)
        before = server.memory_kib()
        load = Load(program, server, subject, streams)
        try:
            yield server, load, (server.memory_kib() - before) / streams
        finally:
            load.kill()
    finally:
        server.kill()


def build_load(folder: Path, name: str = "streams_load") -> Path:
    """Compile the load client of this name.

    :raises SystemExit: if no C compiler is installed, or the compilation fails.
    """
    compiler = os.environ.get("CC") or next(filter(shutil.which, ["cc", "gcc", "clang"]), None)
    if compiler is None:
        raise SystemExit("a C compiler is needed for the load client (on Debian: apt-get install gcc libc6-dev)")
    program = folder / name
    try:
        subprocess.run([*compiler.split(), "-O2", "-o", str(program), str(HERE / f"{name}.c")], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise SystemExit(f"the load client cannot be compiled: {error}") from None
    return program
