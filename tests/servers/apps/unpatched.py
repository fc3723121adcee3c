"""gevent's own server, run by a program that does not patch: ``python -m tests.servers.apps.unpatched FD``."""

from __future__ import annotations

import socket
import sys

from gevent.pywsgi import WSGIServer

from tests.servers.apps.doctored import app

if __name__ == "__main__":
    from gevent.socket import fromfd

    WSGIServer(fromfd(int(sys.argv[1]), socket.AF_INET, socket.SOCK_STREAM), app, log=None).serve_forever()
