"""gunicorn with gevent in a subprocess, as the tests use it."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.children import server_environment

ROOT = Path(__file__).parents[2]
#: For what does come, on a busy machine, too. They measure nothing.
DEADLINE_SECONDS = 40
START_DEADLINE_SECONDS = 90


def wait_until(check: Callable[[], bool], what: Callable[[], str] | str, seconds: float = DEADLINE_SECONDS) -> None:
    """Return as soon as the check holds, and fail with a description when it does not by the deadline."""
    deadline = time.monotonic() + seconds
    while not check():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds} s: {what if isinstance(what, str) else what()}")
        time.sleep(0.02)


@dataclass
class Server:
    """One gunicorn in a subprocess."""

    url: str  # with a slash at the end
    log_path: Path
    # Opens the log and starts gunicorn on a listening socket.
    launch: Callable[[socket.socket], subprocess.Popen[bytes]]
    process: subprocess.Popen[bytes]
    # Keeps the port for it while it is stopped: from all but those who name it.
    keeper: socket.socket
    ready: str = ""

    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def wait_for_log(self, pattern: str, since: int = 0) -> None:
        """Wait for a line of the log; ``since`` is the length of the log at an earlier moment."""
        wait_until(lambda: re.search(pattern, self.log()[since:]) is not None, lambda: f"{pattern!r} in {self.log()}")

    def wait_until_ready(self, path: str) -> None:
        deadline = time.monotonic() + START_DEADLINE_SECONDS
        url = self.url + path
        while True:
            if self.process.poll() is not None:
                pytest.fail(f"gunicorn has ended with {self.process.returncode}:\n{self.log()}")
            try:
                with urllib.request.urlopen(url, timeout=START_DEADLINE_SECONDS) as response:
                    response.read()
                return
            except urllib.error.HTTPError as error:
                pytest.fail(f"{url} answers {error.code}:\n{self.log()}")
            except OSError:
                if time.monotonic() > deadline:
                    pytest.fail(f"{url} does not answer:\n{self.log()}")
                time.sleep(0.02)

    def stop(self) -> None:
        self.process.terminate()
        self.wait_until_stopped()

    def start_again(self) -> None:
        """Start a server that has been stopped on the port that it had."""
        with socket.create_server(("127.0.0.1", urlsplit(self.url).port)) as listener:
            self.process = self.launch(listener)
        self.wait_until_ready(self.ready)

    def restart(self) -> None:
        """Stop and start; in between there is nobody at its port."""
        self.stop()
        self.start_again()

    def reload(self) -> None:
        """Let gunicorn start a new worker and stop the old one, as for a new version of the application."""
        length = len(self.log())
        self.process.send_signal(signal.SIGHUP)
        self.wait_for_log("Booting worker", since=length)

    def wait_until_stopped(self) -> None:
        try:
            self.process.wait(DEADLINE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            pytest.fail(f"gunicorn did not stop within {DEADLINE_SECONDS} s:\n{self.log()}")


@dataclass
class Servers:
    """All servers of the session: each application is started once, when the first test asks for it."""

    folder: Path
    running: dict[tuple[object, ...], Server] = field(default_factory=dict)

    def start(
        self, app: str, *, mount: str = "", ready: str = "", send_buffer: int | None = None, **environment: str
    ) -> Server:
        """Start gunicorn on an application, e.g. ``tests.live.apps.elements:app``, or give the one that is running.

        :param mount: the path below which the application is served.
        :param ready: the path, relative to that, which is asked for until it answers.
        :param send_buffer: bytes that each connection takes from the server; None for the system's choice.
        """
        key = (app, mount, send_buffer, *sorted(environment.items()))
        if key not in self.running:
            self.running[key] = self._spawn(app, mount, ready, send_buffer, environment)
            self.running[key].wait_until_ready(ready)
        return self.running[key]

    def stop(self) -> None:
        """Stop all servers, which take about a second each, at the same time."""
        for server in self.running.values():
            server.process.terminate()
        for server in self.running.values():
            server.keeper.close()
            server.wait_until_stopped()

    def _spawn(self, app: str, mount: str, ready: str, send_buffer: int | None, environment: dict[str, str]) -> Server:
        folder = self.folder / str(len(self.running))
        folder.mkdir()
        log_path = folder / "gunicorn.log"

        def launch(listener: socket.socket) -> subprocess.Popen[bytes]:
            if send_buffer is not None:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
            # A worker that is killed has not told its pages that the end was planned.
            graceful = environment.get("TESTS_GRACEFUL_SECONDS", "3")
            command = [sys.executable, "-m", "gunicorn", "--config", "example/gunicorn.conf.py", app]
            command += ["--bind", f"fd://{listener.fileno()}", "--graceful-timeout", graceful]
            variables = server_environment(
                **environment,
                SCRIPT_NAME=mount,
                PYTHONUNBUFFERED="1",
                # Where gunicorn puts its control socket; two servers must not share it.
                XDG_RUNTIME_DIR=str(folder),
            )
            with log_path.open("ab") as log:
                return subprocess.Popen(
                    command, cwd=ROOT, env=variables, stdout=log, stderr=log, pass_fds=[listener.fileno()]
                )

        # The socket is opened here and handed over: no other program can take the port in between.
        keeper = socket.socket()
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        keeper.bind(("127.0.0.1", 0))
        with socket.create_server(keeper.getsockname()) as listener:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}{mount}/"
            return Server(url, log_path, launch, launch(listener), keeper, ready)
