"""The demos on nginx, two gunicorns of two workers each, and Redis, all in the foreground: ``make demo-cluster``.

usage: python example/cluster.py [--host 127.0.0.1] [--port 8000]

Ctrl-C stops all of them. They write to a folder of their own below ``build``, which is removed at the end. The board's
database stays in ``instance``, where ``make demo`` keeps it too.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 30
#: The longest wait of gunicorn for running imports, in seconds; the other programs wait for gunicorn.
GRACE_SECONDS = 5
GUNICORNS, WORKERS = 2, 2


class Cluster:
    """The programs, in the order in which they were started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._must_stop = False
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []

    def start(self, name: str, command: list[str], *descriptors: int, **variables: str) -> None:
        """Start a program that stays in the foreground."""
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **variables},
            pass_fds=descriptors,
            # Ctrl-C in a terminal reaches a whole session, but this program has to stop the others in order.
            start_new_session=True,
        )
        self._running.append((name, process))

    def check(self) -> None:
        """Check that all programs run.

        :raises SystemExit: if a program has ended, or :meth:`stop_soon` was called.
        """
        if self._must_stop:
            raise SystemExit
        for name, process in self._running:
            if process.poll() is not None:
                raise SystemExit(f"{name} has ended with status {process.returncode}, so all others are stopped too")

    def stop_soon(self, *_: object) -> None:
        """Make the next check raise. A signal handler that raised itself could interrupt :meth:`stop`."""
        self._must_stop = True

    def stop(self) -> None:
        """Stop the programs in order: gunicorn first, so that streams end cleanly, and Redis after its clients."""
        for name in ("gunicorn", "nginx", "Redis"):
            stopping = [process for running, process in self._running if running == name]
            for process in stopping:
                process.terminate()
            for process in stopping:
                try:
                    process.wait(GRACE_SECONDS + 5)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()


def find_program(name: str) -> str:
    """Return the path of a program, which may be a server outside of the user's PATH.

    :raises SystemExit: if the program is not installed.
    """
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])
    found = shutil.which(name, path=path)
    if found is None:
        raise SystemExit(f"{name} is needed; on Debian: sudo apt-get install --no-install-recommends {name}")
    return found


def free_port() -> int:
    """Return a port on which no program listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_redis(cluster: Cluster) -> str:
    """Start Redis without files, because a broker keeps nothing.

    :return: the URL of Redis.
    """
    port = free_port()
    command = [find_program("redis-server"), "--bind", "127.0.0.1", "--port", str(port), "--loglevel", "warning"]
    cluster.start("Redis", [*command, "--save", "", "--appendonly", "no", "--dir", str(cluster.folder)])
    deadline = time.monotonic() + START_SECONDS
    while True:
        cluster.check()
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return f"redis://127.0.0.1:{port}/0"
        except OSError:
            if time.monotonic() > deadline:
                raise SystemExit("Redis does not respond") from None
            time.sleep(0.05)


def start_gunicorn(cluster: Cluster, broker_url: str) -> int:
    """Start a gunicorn as on a host of its own.

    :return: the port of the gunicorn.
    """
    # Opened here and passed on, so that no other program can take the port in between.
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        command = [sys.executable, "-m", "gunicorn", "--config", "example/gunicorn.conf.py"]
        command += ["--workers", str(WORKERS), "--bind", f"fd://{listener.fileno()}"]
        port = int(listener.getsockname()[1])
        # Newer versions put a control socket there.
        runtime_folder = cluster.folder / str(port)
        runtime_folder.mkdir(mode=0o700)
        cluster.start(
            "gunicorn",
            [*command, "--graceful-timeout", str(GRACE_SECONDS)],
            listener.fileno(),
            EXAMPLE_DATASTAR_BROKER_URL=broker_url,
            # Without Redis a change still reaches the database, and every page reads it when Redis is back.
            EXAMPLE_DATASTAR_BROKER_ON_FAILURE="drop",
            EXAMPLE_PROXIES="1",
            XDG_RUNTIME_DIR=str(runtime_folder),
        )
    return port


def start_nginx(cluster: Cluster, address: str, ports: list[int]) -> None:
    """Start nginx with the configuration beside this file, but with the ports of this run."""
    text = (ROOT / "example" / "nginx.conf").read_text()
    known = ["127.0.0.1:8000", "127.0.0.1:8001", "127.0.0.1:8002"]
    for old, new in zip(known, [address, *(f"127.0.0.1:{port}" for port in ports)], strict=True):
        text, count = re.subn(rf" {re.escape(old)}(?=[ ;])", f" {new}", text)
        assert count == 1, f"nginx.conf has no {old}"
    (cluster.folder / "nginx.conf").write_text(text)
    (cluster.folder / "temp").mkdir()
    # If root starts nginx, its workers would run as a user without access to the folder.
    options = "daemon off;" + (" user root;" if os.getuid() == 0 else "")
    command = [find_program("nginx"), "-e", "stderr", "-p", f"{cluster.folder}/", "-c", "nginx.conf", "-g", options]
    cluster.start("nginx", command)


def wait_for_answer(cluster: Cluster, url: str) -> None:
    """Wait until a page is served."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        cluster.check()
        try:
            # A short timeout, so that the check above runs often.
            urllib.request.urlopen(url, timeout=2).close()
            return
        except OSError as error:
            # An HTTP error is final, except nginx's 502 while a gunicorn starts.
            is_early = not isinstance(error, urllib.error.HTTPError) or error.code == 502
            if not is_early or time.monotonic() > deadline:
                raise SystemExit(f"{url} cannot be opened: {error}") from None
            time.sleep(0.1)


def serve(cluster: Cluster, host: str, port: int) -> None:
    """Start all programs, and wait until one of them ends."""
    broker_url = start_redis(cluster)
    ports = [start_gunicorn(cluster, broker_url) for _ in range(GUNICORNS)]
    start_nginx(cluster, f"{host}:{port}", ports)
    addresses = [f"http://127.0.0.1:{own}/" for own in ports]
    public = f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}/"
    for url in [*addresses, public]:
        wait_for_answer(cluster, url)
    print(f"nginx in front of gunicorn at {' and '.join(addresses)}, with {broker_url}")
    print(f"Open {public} - Ctrl-C stops all programs.", flush=True)
    while True:
        cluster.check()
        time.sleep(0.2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1", help="address of nginx; the others listen on 127.0.0.1 only")
    parser.add_argument("--port", type=int, default=8000, help="port of nginx; 0 selects a free port")
    arguments = parser.parse_args()
    for name in ("nginx", "redis-server"):
        find_program(name)
    build = ROOT / "build"
    build.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="cluster-", dir=build) as name:
        cluster = Cluster(Path(name))
        # Set for SIGINT too, because some shells make background programs ignore it.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, cluster.stop_soon)
        try:
            serve(cluster, arguments.host, arguments.port or free_port())
        finally:
            cluster.stop()


if __name__ == "__main__":
    main()
