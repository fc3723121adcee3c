"""One nginx with a server for each of several configurations."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from example.cluster import find_program, free_port
from tests.servers.serving import START_DEADLINE_SECONDS, wait_until

_MAIN = """
worker_processes 1;
pid nginx.pid;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path temp/body;
    proxy_temp_path temp/proxy;
    fastcgi_temp_path temp/fastcgi;
    uwsgi_temp_path temp/uwsgi;
    scgi_temp_path temp/scgi;
    {servers}
}}
"""


class Nginx:
    """nginx in the foreground.

    :param servers: name → the lines of a ``server``, with ``{port}`` for its port.
    """

    def __init__(self, folder: Path, servers: Mapping[str, str], *, more: str = "") -> None:
        self.ports = {name: free_port() for name in servers}
        (folder / "temp").mkdir(parents=True)
        texts = [f"server {{ {text.replace('{port}', str(self.ports[name]))} }}" for name, text in servers.items()]
        (folder / "nginx.conf").write_text(_MAIN.format(servers="\n".join([more, *texts])))
        # If root starts nginx, its workers would run as a user without access to the folder.
        options = "daemon off;" + (" user root;" if os.getuid() == 0 else "")
        self._log = folder / "log"
        with self._log.open("wb") as log:
            command = [find_program("nginx"), "-e", "stderr", "-p", f"{folder}/", "-c", "nginx.conf", "-g", options]
            self.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        wait_until(self._is_ready, self.log, START_DEADLINE_SECONDS)

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(START_DEADLINE_SECONDS)

    def _is_ready(self) -> bool:
        assert self.process.poll() is None, self.log()
        try:
            for port in self.ports.values():
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
            return False
        return True
