"""The server of the soak: gunicorn with one worker."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

HERE = Path(__file__).resolve().parent


class Server:
    """gunicorn with one worker, in a process group of its own.

    :param worker: ``gevent`` or ``gthread``.
    :param threads: the number of threads of ``gthread``.
    """

    def __init__(self, log: Path, worker: str, threads: int) -> None:
        self.threads = threads if worker == "gthread" else 0
        command = [sys.executable, "-m", "gunicorn", "-k", worker, "-w", "1", "--worker-connections", "8000"]
        # The control socket is in the user's folder, so several servers would share it. Older versions lack it.
        if b"--no-control-socket" in subprocess.run([*command[:3], "--help"], capture_output=True).stdout:
            command.append("--no-control-socket")
        command += ["--threads", str(threads)] if self.threads else []
        command += ["--graceful-timeout", "10", "--limit-request-line", "8190"]
        path = os.pathsep.join([str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")])
        # Opened here and passed on, so that no other program can take the port in between.
        with log.open("wb") as output, socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
            self.port = int(listener.getsockname()[1])
            self.process = subprocess.Popen(
                [*command, "-b", f"fd://{listener.fileno()}", "app:app"],
                pass_fds=[listener.fileno()],
                cwd=HERE,
                stdout=output,
                stderr=output,
                # With several arenas, memory that threads free would look like growth.
                env={**os.environ, "PYTHONPATH": path, "MALLOC_ARENA_MAX": "1"},
                # kill() needs a process group, and Ctrl-C must reach the load alone, which reads the streams' ends.
                start_new_session=True,
            )
        try:
            wait_until(lambda: self.figures() is not None or self.process.poll() is not None, 90, "an answer")
            if self.figures() is None:
                raise SystemExit(f"the server did not start:\n{log.read_text(errors='replace')[-3000:]}")
        except BaseException:
            self.kill()
            raise

    def ask(self, method: str, path: str, **query: object) -> str | None:
        """Send a request, and return its text; None without a response, as while a worker is replaced."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, f"{path}?{urlencode(query)}", headers={"Connection": "close"})
            answer = connection.getresponse()
            text = answer.read().decode()
            return text if answer.status == 200 else None
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def figures(self) -> dict[str, Any] | None:
        """Return the worker's figures, or None without a response."""
        text = self.ask("GET", "/figures")
        return None if text is None else dict(json.loads(text))

    def has_processes(self) -> bool:
        """Return whether any process of the server is left."""
        self.process.poll()
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, 0)
            return True
        return False

    def kill(self) -> None:
        """Kill all processes of the server."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def wait_until(condition: Callable[[], object], seconds: float, what: str) -> bool:
    """Poll until the condition holds, and return whether it holds in time; print a line if it does not."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            print(f"not within {seconds:g} s: {what}", flush=True)
            return False
        time.sleep(0.05)
    return True
