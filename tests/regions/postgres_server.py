"""A PostgreSQL server of the tests' own, in a temporary folder and on a port of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from itertools import count
from pathlib import Path
from typing import Any

#: Nothing has to survive a crash. Writers that wait for each other in a circle, or for too long, fail soon.
_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "max_prepared_transactions": "10",
    "deadlock_timeout": "100ms",
    "lock_timeout": "1s",
    "shared_buffers": "16MB",
}


class PostgresServer:
    """The server; a context manager."""

    def __init__(self) -> None:
        self._programs = _find_programs()
        self._folder = ""
        self._numbers = count()
        self.port = 0

    def __enter__(self) -> PostgresServer:
        self._folder = tempfile.mkdtemp(prefix="postgres-")
        if os.getuid() == 0:
            shutil.chown(self._folder, "postgres", "postgres")
        try:
            self._run("initdb", "--username", "test", "--auth", "trust", "--encoding", "UTF8", "--no-sync")
            self.start()
        except BaseException:
            shutil.rmtree(self._folder)
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()
        shutil.rmtree(self._folder)

    def start(self) -> None:
        """Start the server on a free port."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        settings = {**_SETTINGS, "port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "''"}
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        self._run("pg_ctl", "--wait", "--log", f"{self._folder}/log", "--options", options, "start")

    def stop(self) -> None:
        """Stop the server, whoever is connected."""
        self._run("pg_ctl", "--wait", "--mode", "immediate", "stop")

    def new_schema(self) -> str:
        """Create an empty schema, and return a URL with which its tables need no prefix."""
        import psycopg

        name = f"schema_{next(self._numbers)}"
        address = f"test@127.0.0.1:{self.port}/postgres"
        with psycopg.connect(f"postgresql://{address}", autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}")
        return f"postgresql+psycopg://{address}?options=-csearch_path%3D{name}"

    def _run(self, program: str, *arguments: str) -> None:
        """Run a program as a user other than root, whom PostgreSQL refuses."""
        user: dict[str, Any] = {}
        if os.getuid() == 0:
            user = {"user": "postgres", "group": "postgres", "extra_groups": []}
        # The server keeps the standard output of pg_ctl.
        with open(f"{self._folder}/{program}.out", "ab") as output:
            done = subprocess.run(
                [self._programs / program, "--pgdata", f"{self._folder}/data", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self._folder,
                **user,
            )
        if done.returncode:
            logs = [Path(f"{self._folder}/{name}") for name in (f"{program}.out", "log")]
            raise RuntimeError(f"{program} failed: {[log.read_text()[-2000:] for log in logs if log.exists()]}")


def _find_programs() -> Path:
    """Return the folder of the newest server's programs. Debian keeps them off the PATH."""
    found = shutil.which("pg_ctl")
    if found is not None:
        return Path(found).parent
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    if not folders:
        raise RuntimeError("PostgreSQL is needed for these tests; on Debian: apt-get install postgresql")
    return folders[-1]
