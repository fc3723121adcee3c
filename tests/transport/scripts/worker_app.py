"""An application whose answer ends when its worker begins to stop; with what the transport knows of its server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from flask_datastar.transport.leaving import connection_of
from flask_datastar.transport.worker import holds_streams, is_stopping


def application(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    connection = connection_of(environ)
    yield f"holds={holds_streams(environ)} connection={connection is not None} stopping={is_stopping()}\n".encode()
    if environ["PATH_INFO"] == "/stream":
        while not is_stopping():
            time.sleep(0.02)
        yield b"stopping\n"
