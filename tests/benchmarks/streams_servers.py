"""The servers that the benchmark of streams measures."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
APPS = HERE / "streams_apps"
#: The longest wait of the servers for streams that do not end.
GRACE_SECONDS = 10
#: The descriptors of a process beside its connections.
_SPARE_DESCRIPTORS = 100


@dataclass(frozen=True)
class Subject:
    """One server that is measured."""

    name: str
    #: The name of a module in :data:`APPS`.
    module: str
    stream: str
    variables: tuple[tuple[str, str], ...] = ()
    is_asgi: bool = False
    workers: int = 1
    #: The way in which its clients open a stream; a protocol of ``streams_load.c``.
    protocol: str = "sse"
    #: The number of threads of gunicorn's gthread worker; without it the worker is gevent's.
    threads: int = 0

    def command(self, port: int) -> list[str]:
        """Return the command that starts the server."""
        if self.is_asgi:
            command = [sys.executable, "-m", "uvicorn", "--port", str(port), "--log-level", "error", "--no-access-log"]
            return [*command, "--timeout-graceful-shutdown", str(GRACE_SECONDS), f"{self.module}:app"]
        command = [sys.executable, "-m", "gunicorn", "-w", str(self.workers), "--worker-connections", "30000"]
        command += ["-k", "gthread", "--threads", str(self.threads)] if self.threads else ["-k", "gevent"]
        # The control socket is in the user's folder, so several servers would share it. Older versions lack it.
        if b"--no-control-socket" in subprocess.run([*command[:3], "--help"], capture_output=True).stdout:
            command.append("--no-control-socket")
        return [*command, "--graceful-timeout", str(GRACE_SECONDS), "-b", f"127.0.0.1:{port}", f"{self.module}:app"]


class Server:
    """A running server, in a process group of its own; its processes share one processor."""

    def __init__(self, subject: Subject, folder: Path) -> None:
        self.name = subject.name
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        path = os.pathsep.join([str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")])
        self._log = folder / "server.log"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                pinned(0, subject.command(self.port)),
                cwd=APPS,
                env={**os.environ, **dict(subject.variables), "PYTHONPATH": path},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            self._wait_for_answer()
        except BaseException:
            self.kill()
            raise

    def _wait_for_answer(self) -> None:
        deadline = time.monotonic() + 30
        while self.process.poll() is None and time.monotonic() < deadline:
            with suppress(OSError):
                self.gone()
                return
            time.sleep(0.1)
        raise SystemExit(f"{self.name}: the server did not start:\n{self.log()}")

    def log(self) -> str:
        """Return the end of the server's log."""
        return self._log.read_text(errors="replace")[-2000:]

    def gone(self) -> tuple[int, float]:
        """Return the number of streams that have ended, and the time of the last end."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/gone", timeout=30) as answer:
            number, last = answer.read().decode().split()
        return int(number), float(last)

    def _processes(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [self.process.pid, *map(int, children)]

    def memory_kib(self) -> int:
        """Return the resident memory of all the server's processes."""
        status = "".join(Path(f"/proc/{pid}/status").read_text() for pid in self._processes())
        return sum(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))

    def cpu_seconds(self) -> float:
        """Return the CPU seconds of all the server's processes."""
        return cpu_seconds(self._processes())

    def wait(self) -> None:
        """Wait until the server has stopped.

        :raises SystemExit: if the server does not stop in time.
        """
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            raise SystemExit(f"{self.name}: the server did not stop:\n{self.log()}") from None

    def kill(self) -> None:
        """Kill all the server's processes."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def cpu_seconds(pids: list[int]) -> float:
    """Return the CPU seconds of processes."""
    # schedstat has nanoseconds; the hundredths of a second in stat are too coarse for one round.
    threads = [thread for pid in pids for thread in Path(f"/proc/{pid}/task").iterdir()]
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9


def allow_connections(streams: int) -> None:
    """Raise the limit of open files, which server and clients inherit.

    :raises SystemExit: if the limit cannot be raised far enough.
    """
    needed = streams + _SPARE_DESCRIPTORS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise SystemExit(
            f"{streams:,} streams need {needed:,} open files a process, and {hard:,} are allowed: raise the limit as "
            f"root (ulimit -Hn {needed}), or measure fewer streams (--quick, --sizes)"
        )
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def pinned(processor: int, command: list[str]) -> list[str]:
    """Return a command that is restricted to one processor, if the machine has two."""
    can_pin = shutil.which("taskset") and (os.cpu_count() or 1) > 1
    return ["taskset", "-c", str(processor), *command] if can_pin else command
