"""Servers in subprocesses: gunicorn with gevent, gunicorn with threads, and Flask's development server."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.servers.crowd import Crowd
from tests.support.children import server_environment

ROOT = Path(__file__).parents[2]
#: For what does come, on a busy machine, too. They measure nothing.
DEADLINE_SECONDS = 40
START_DEADLINE_SECONDS = 90
STOP_DEADLINE_SECONDS = 60

KINDS = ("gevent", "gthread", "flask")

_OPTIONS = {
    "gevent": ["--worker-class", "gevent", "--worker-connections", "4000"],
    "gthread": ["--worker-class", "gthread", "--threads", "40"],
    # Holds no streams.
    "sync": ["--worker-class", "sync"],
}
# Shells let programs in the background ignore the signal that Ctrl-C sends, and Python leaves it at that.
_FLASK = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from flask.cli import main; main()"


def wait_until(
    check: Callable[[], object], what: Callable[[], object] | str, seconds: float = DEADLINE_SECONDS
) -> None:
    """Return as soon as a check holds; fail with a description when it does not by the deadline."""
    deadline = time.monotonic() + seconds
    while not check():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds} s: {what if isinstance(what, str) else what()}")
        time.sleep(0.01)


class Server:
    """One server on one of the applications of ``apps``.

    :param kind: one of :data:`KINDS`, or ``sync``.
    :param options: more of gunicorn's.
    :param send_buffer: bytes that each connection takes from the server; None for the system's choice.
    :param environment: more variables; those that begin with ``EXTRA_`` are configuration.
    """

    def __init__(
        self,
        folder: Path,
        kind: str,
        *options: str,
        app: str = "streams",
        send_buffer: int | None = None,
        **environment: str,
    ) -> None:
        self.kind = kind
        self._log = folder / "log"
        # The control socket of gunicorn is put into the last; two servers must not share it.
        variables = server_environment(**environment, PYTHONUNBUFFERED="1", XDG_RUNTIME_DIR=str(folder))
        target = f"tests.servers.apps.{app}:app"
        with self._log.open("wb") as log:

            def launch(command: list[str], *descriptors: int) -> subprocess.Popen[bytes]:
                return subprocess.Popen(
                    [sys.executable, *command],
                    cwd=ROOT,
                    env=variables,
                    stdout=log,
                    stderr=log,
                    pass_fds=descriptors,
                    # A group of its own, so that workers are killed with it.
                    start_new_session=True,
                )

            if kind == "flask":
                self.process = launch(["-c", _FLASK, "--app", target, "run", "--port", "0", *options])
                self.port = self._find_port()
            else:
                with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
                    if send_buffer is not None:
                        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
                    self.port = listener.getsockname()[1]
                    command = ["-m", "gunicorn", target, "--bind", f"fd://{listener.fileno()}"]
                    command += [*_OPTIONS[kind], "--graceful-timeout", "30", *options]
                    self.process = launch(command, listener.fileno())
        self._wait_until_ready(is_tls="--certfile" in options)

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def ask(self, path: str, *, method: str = "GET", **query: object) -> bytes:
        """Make one request that has to be answered 200."""
        with Crowd(self.port) as crowd:
            answer = crowd.ask(path, method=method, **query)
        assert answer.status == 200, (answer.status, bytes(answer.body), self.log()[-3000:])
        return bytes(answer.body)

    def figures(self, **query: object) -> dict[str, Any]:
        return dict(json.loads(self.ask("/figures", **query)))

    def wait_idle(self) -> dict[str, Any]:
        """Wait until there is no stream, and all that have ended have told so; give the figures."""

        def is_idle() -> bool:
            figures = self.figures()
            return figures["stats"]["open"] == 0 and figures["untold"] == 0

        wait_until(is_idle, lambda: self.figures())
        return self.figures()

    def cpu_seconds(self, pid: int) -> float:
        """Give the processor's time that one of its processes has used."""
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def worker_pids(self) -> list[int]:
        """Give the workers that gunicorn has started, the oldest first."""
        return [int(pid) for pid in re.findall(r"Booting worker with pid: (\d+)", self.log())]

    def living_pids(self) -> list[int]:
        """Give the workers that live."""
        # What is gone but not yet waited for has no program any more.
        return [pid for pid in self.worker_pids() if os.path.exists(f"/proc/{pid}/exe")]

    def begin_stop(self) -> float:
        """Tell it to stop, as one would by hand; give the time."""
        now = time.monotonic()
        self.process.send_signal(signal.SIGINT if self.kind == "flask" else signal.SIGTERM)
        return now

    def wait_stopped(self) -> float:
        """Wait for its end, and give the time."""
        try:
            self.process.wait(STOP_DEADLINE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            pytest.fail(f"the server did not stop within {STOP_DEADLINE_SECONDS} s:\n{self.log()[-3000:]}")
        return time.monotonic()

    def kill(self) -> None:
        """Leave nothing of it, whatever state it is in."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def close(self) -> None:
        """Stop it in its own way first, which is when coverage is written."""
        try:
            if self.process.poll() is None:
                self.begin_stop()
                self.wait_stopped()
        finally:
            self.kill()

    def _find_port(self) -> int:
        pattern = re.compile(r"Running on http://127\.0\.0\.1:(\d+)")
        wait_until(
            lambda: pattern.search(self.log()) or self.process.poll() is not None, self.log, START_DEADLINE_SECONDS
        )
        found = pattern.search(self.log())
        assert found is not None, self.log()
        return int(found[1])

    def _wait_until_ready(self, *, is_tls: bool) -> None:
        try:
            with ExitStack() as stack:
                connection = socket.create_connection(("127.0.0.1", self.port), timeout=START_DEADLINE_SECONDS)
                stack.enter_context(connection)
                if is_tls:
                    connection = stack.enter_context(ssl._create_unverified_context().wrap_socket(connection))
                # The connection waits in the queue of the listener until a worker is there.
                connection.sendall(b"GET /ready HTTP/1.0\r\nHost: localhost\r\n\r\n")
                answer = connection.recv(4096)
        except OSError as error:
            answer = repr(error).encode()
        if b" 200 " not in answer.partition(b"\r\n")[0]:
            log = self.log()
            self.kill()
            pytest.fail(f"the server does not answer: {answer!r}\n{log}")
