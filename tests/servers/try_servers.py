"""A trial of every row of the table of servers in ``docs/howto/deploy.md``, as ``make servers`` runs it.

usage: python -m tests.servers.try_servers [--python PATH] [--only NAME]

Without ``--python`` the servers are installed into a virtual environment of their own, which is removed afterwards;
with it, PATH has them already. A line for each row says what was seen, and below it what differs from the table; the
exit status is 1 if anything does.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.servers.table import CLIENTS, HOLDING, ROWS, Row

ROOT = Path(__file__).parents[2]
KEEPALIVE_SECONDS = 2
#: For what does come, on a busy machine, too.
DEADLINE_SECONDS = 20
#: For what would not come: an answer of a server whose threads are all taken.
PATIENCE_SECONDS = 5

#: What was seen, and what differs from what the row expects.
Findings = tuple[str, list[str]]


class Client:
    """One request, and what has come of its response."""

    def __init__(self, port: int, path: str, method: str = "GET") -> None:
        self.raw = b""
        self._socket = socket.create_connection(("127.0.0.1", port), DEADLINE_SECONDS)
        head = [f"{method} {path} HTTP/1.1", "Host: localhost", "Datastar-Request: true", "Content-Length: 0"]
        self._socket.sendall("\r\n".join([*head, "", ""]).encode())

    @property
    def status(self) -> int:
        return int(self.raw.split(b" ", 2)[1]) if b"\r\n" in self.raw else 0

    def read(self, *wanted: bytes, seconds: float = DEADLINE_SECONDS) -> bool:
        """Read until one of the texts has come, the response ends, or the time is over; return whether one has."""
        deadline = time.monotonic() + seconds
        with suppress(TimeoutError, ConnectionError):
            while not any(text in self.raw for text in wanted) and (left := deadline - time.monotonic()) > 0:
                self._socket.settimeout(left)
                data = self._socket.recv(65536)
                if not data:
                    break
                self.raw += data
        return any(text in self.raw for text in wanted)

    def open(self, seconds: float = DEADLINE_SECONDS) -> None:
        """Read until a stream is open, or refused."""
        self.read(b'"opened":1', b" 503 ", b" 500 ", seconds=seconds)

    def close(self) -> None:
        self._socket.close()


class Served:
    """A server of a row that runs."""

    def __init__(self, port: int, process: subprocess.Popen[bytes], log: Path) -> None:
        self.port = port
        self.process = process
        self._log = log

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def stream(self) -> Client:
        return Client(self.port, "/ds/t/follow")

    def ask(self, path: str, end: bytes, method: str = "GET") -> bytes:
        """Make one request, read until the end of its body has come, and return the body."""
        client = Client(self.port, path, method)
        client.read(end, seconds=PATIENCE_SECONDS)
        client.close()
        return client.raw.partition(b"\r\n\r\n")[2]

    def serves(self) -> bool:
        """Return whether it answers an ordinary request."""
        return wait_until(lambda: b"served" in self.ask("/", b"served")) is not None

    def open_streams(self) -> int:
        found = self.ask("/stats", b"}")
        return int(json.loads(found[found.index(b"{") : found.rindex(b"}") + 1])["open"])


def wait_until(holds: Callable[[], object], seconds: float = DEADLINE_SECONDS) -> float | None:
    """Wait until something holds, and return how long it took; None if it did not hold in time."""
    start = time.monotonic()
    while time.monotonic() - start < seconds:
        with suppress(OSError, ValueError, IndexError):
            if holds():
                return time.monotonic() - start
        time.sleep(0.05)
    return None


@contextmanager
def served(row: Row, python: str) -> Iterator[Served]:
    """Run the server of a row, and kill it at the end with all its processes."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = row.command(port)
    if command[0].startswith("bin:"):
        command = [str(Path(python).with_name(command[0].removeprefix("bin:"))), *command[1:]]
    else:
        command = [python, *command]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "log")
        variables = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_RUNTIME_DIR": folder, **dict(row.environment)}
        variables |= {"EXTRA_DATASTAR_KEEPALIVE_SECONDS": str(KEEPALIVE_SECONDS), "PYTHONUNBUFFERED": "1"}
        # Coverage of greenlets needs settings of its own.
        variables.pop("COVERAGE_PROCESS_CONFIG", None)
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, cwd=ROOT, env=variables, stdout=output, stderr=output, start_new_session=True
            )
        server = Served(port, process, log)
        try:
            if not server.serves():
                raise RuntimeError(f"{row.name} does not answer: {server.log()[-2000:]}")
            yield server
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def try_refused(row: Row, python: str) -> Findings:
    """Try a server that holds no streams: it says why, and goes on serving."""
    wrong = []
    with served(row, python) as server:
        # A process that was blocked by the first one would not answer the second one.
        for _ in range(2):
            client = server.stream()
            client.open(PATIENCE_SECONDS)
            client.close()
            if client.status != 500:
                wrong.append(f"status {client.status}")
        if wait_until(lambda: row.says in server.log(), PATIENCE_SECONDS) is None:
            wrong.append(f"the log does not say why: {server.log()[-2000:]}")
        if not server.serves():
            wrong.append("nothing is answered after it")
    return "refused", wrong


def try_warned(row: Row, python: str) -> Findings:
    """Try a server that does not tell what streams need to know: the log says what to set, once a process."""
    with served(row, python) as server:
        clients = [server.stream() for _ in range(2)]
        for client in clients:
            client.open()
        wrong = [f"status {client.status}" for client in clients if client.status != 200]
        if wait_until(lambda: row.says in server.log(), PATIENCE_SECONDS) is None:
            wrong.append(f"the log does not say so: {server.log()[-2000:]}")
        for client in clients:
            client.close()
    return "warned of", wrong


def try_serving(row: Row, python: str) -> Findings:
    """Try a server that holds streams: how many, how it notices clients that leave, and how it stops."""
    with served(row, python) as server:
        seen, wrong = zip(_try_places(row, server), _try_leaving(row, server), _try_stopping(row, server), strict=True)
        texts = [text for part in wrong for text in part]
        if row.says not in server.log():
            texts.append(f"the log does not say {row.says!r}")
    return "; ".join(seen), texts


def _try_places(row: Row, server: Served) -> Findings:
    """Open streams until there are more than fit, and broadcast to them."""
    wrong, clients = [], []
    for _ in range(CLIENTS):
        # One after another, because of two at the same moment the one too many is let in, and ended.
        clients.append(server.stream())
        clients[-1].open()
    opened = [client for client in clients if client.status == 200 and b'"opened":1' in client.raw]
    refused = [client for client in clients if client.status == 503]
    if len(opened) != row.streams or len(refused) != CLIENTS - row.streams:
        wrong.append(f"{len(opened)} streams and {len(refused)} times 503")
    if not server.serves():
        wrong.append("no other request is answered")
    server.ask("/say", b"said", "POST")
    if not all(client.read(b'"said":1', seconds=PATIENCE_SECONDS) for client in opened):
        wrong.append("not all streams get what is broadcast")
    for client in clients:
        client.close()
    return f"{len(opened)} of {CLIENTS} streams", wrong


def _try_leaving(row: Row, server: Served) -> Findings:
    """Wait until the server has noticed that all clients have left."""
    noticed = wait_until(lambda: server.open_streams() == 0, 5 * KEEPALIVE_SECONDS)
    if noticed is None:
        return "leaving not noticed", ["clients that have left are not noticed"]
    # A write after the client has gone is only refused the second time, so keep-alives notice it later.
    is_at_once = noticed < KEEPALIVE_SECONDS
    wrong = [f"leaving noticed after {noticed:.1f} s"] if is_at_once != row.notices_at_once else []
    return f"leaving noticed after {noticed:.1f} s", wrong


def _try_stopping(row: Row, server: Served) -> Findings:
    """Stop the server while streams are open."""
    wrong = []
    staying = [server.stream() for _ in range(2)]
    for client in staying:
        client.open()
    server.process.send_signal(row.stop_signal)
    start = time.monotonic()
    for client in staying:
        client.read(b"id: ds:restart", seconds=3 * KEEPALIVE_SECONDS)
    is_clean = all(b"id: ds:restart:0:" in client.raw for client in staying)
    stopped = wait_until(lambda: server.process.poll() is not None, 35)
    for client in staying:
        client.close()
    if is_clean != row.ends_cleanly:
        wrong.append("its streams end cleanly" if is_clean else "its streams break off")
    took = f"stops in {time.monotonic() - start:.1f} s" if stopped is not None else "does not stop within 35 s"
    return f"{took}, and {'ends its streams' if is_clean else 'breaks its streams off'}", wrong


def try_row(row: Row, python: str) -> Findings:
    """Try one row in its way."""
    trial = try_serving if row.streams else try_warned if row in HOLDING else try_refused
    return trial(row, python)


@contextmanager
def interpreter(path: str | None) -> Iterator[str]:
    """Create a Python that has the servers, unless there is one."""
    if path is not None:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="datastar-servers-") as folder:
        venv.create(folder, with_pip=True)
        python = str(Path(folder, "bin", "python"))
        pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        subprocess.run([*pip, "--editable", f"{ROOT}[gunicorn,servers]"], check=True)
        yield python


def main() -> int:
    """Try the rows, and return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--python", help="an interpreter that has the servers")
    parser.add_argument("--only", default="", help="a part of the names of rows")
    options = parser.parse_args()
    failures = 0
    with interpreter(options.python) as python:
        for row in ROWS:
            if options.only not in row.name:
                continue
            try:
                found, wrong = try_row(row, python)
            except (RuntimeError, OSError) as error:
                found, wrong = "not tried", [str(error)]
            failures += bool(wrong)
            print(f"{row.name:34} {found}" + "".join(f"\n    WRONG: {text}" for text in wrong), flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
