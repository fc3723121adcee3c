"""The table of servers in ``docs/howto/deploy.md``: how each row is started, and what is expected of it."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass

APP = "tests.servers.apps.tried"
#: How many threads a server gets, where threads serve, and how many clients come.
THREADS, CLIENTS = 20, 30


@dataclass(frozen=True)
class Row:
    """One server, and what is expected of it."""

    name: str
    #: Returns the arguments for Python, from the port; ``bin:name`` first means a program beside the interpreter.
    command: Callable[[int], list[str]]
    #: How many of the clients get a stream; 0 where streams are refused.
    streams: int = 0
    #: A part of what the log says: why streams are refused, or what the server does not tell.
    says: str = ""
    #: Whether it is noticed at once that a client has left, and not by the next writes.
    notices_at_once: bool = False
    #: Whether streams that are open when it stops end with *restart*.
    ends_cleanly: bool = False
    environment: tuple[tuple[str, str], ...] = ()
    stop_signal: int = signal.SIGTERM
    #: Whether ``make test`` tries it: what it needs is installed there, and no other test does so.
    is_tested: bool = False


def module(*command: str) -> Callable[[int], list[str]]:
    return lambda port: ["-m", *[part.replace("PORT", str(port)) for part in command]]


def program(text: str) -> Callable[[int], list[str]]:
    return lambda port: ["-c", text.replace("PORT", str(port))]


def script(*command: str) -> Callable[[int], list[str]]:
    """Return the command of a program that is installed beside the interpreter."""
    return lambda port: [f"bin:{command[0]}", *[part.replace("PORT", str(port)) for part in command[1:]]]


_UWSGI = ["uwsgi", "--http-socket", "127.0.0.1:PORT", "--module", f"{APP}:app", "--die-on-term", "--need-app"]
_GRANIAN = ["granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", "PORT"]
_GRANIAN += ["--blocking-threads", str(THREADS)]
_PYWSGI = f"from gevent.pywsgi import WSGIServer; from {APP} import app; "
_PYWSGI += "WSGIServer(('127.0.0.1', PORT), app, log=None).serve_forever()"
_WSGIREF = f"from wsgiref.simple_server import WSGIServer, make_server; from {APP} import app\n"
_SOCKETIO = f"from flask_socketio import SocketIO; from {APP} import app\n"
_TORNADO = (
    "import asyncio; from concurrent.futures import ThreadPoolExecutor; from tornado.wsgi import WSGIContainer\n"
    f"from tornado.httpserver import HTTPServer; from {APP} import app\n"
    "async def main():\n"
    "    HTTPServer(WSGIContainer(app, EXECUTOR)).listen(PORT, '127.0.0.1')\n"
    "    await asyncio.Event().wait()\n"
    "asyncio.run(main())"
)
_ONE_AT_A_TIME = "handles one request at a time"
_UNPATCHED = "threads are not patched"
_BRIDGE = "does not say when a client leaves"
_MEMORY = (("EXTRA_DATASTAR_BROKER_URL", "memory://"),)
_PLACES = (("EXTRA_DATASTAR_MAX_STREAMS", str(THREADS - 2)),)

HOLDING = [
    Row(
        "gunicorn, gevent",
        module("gunicorn", "-k", "gevent", "-b", "127.0.0.1:PORT", f"{APP}:app"),
        streams=CLIENTS,
        notices_at_once=True,
        ends_cleanly=True,
    ),
    Row(
        "gunicorn, gevent_pywsgi",
        module("gunicorn", "-k", "gevent_pywsgi", "-b", "127.0.0.1:PORT", f"{APP}:app"),
        streams=CLIENTS,
        notices_at_once=True,
        ends_cleanly=True,
    ),
    Row(
        "gunicorn, gthread",
        module("gunicorn", "-k", "gthread", "--threads", str(THREADS), "-b", "127.0.0.1:PORT", f"{APP}:app"),
        streams=THREADS - 2,
        notices_at_once=True,
        ends_cleanly=True,
    ),
    Row(
        "flask run",
        program(
            "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
            f"import sys; sys.argv = ['flask', '--app', '{APP}:app', 'run', '--port', 'PORT']\n"
            "from flask.cli import main; main()"
        ),
        streams=CLIENTS,
        notices_at_once=True,
        ends_cleanly=True,
        stop_signal=signal.SIGINT,
    ),
    Row(
        "gevent's WSGIServer, patched",
        program("from gevent import monkey; monkey.patch_all()\n" + _PYWSGI),
        streams=CLIENTS,
        notices_at_once=True,
        is_tested=True,
    ),
    Row(
        "socketio.run, patched",
        program(
            "from gevent import monkey; monkey.patch_all()\n"
            + _SOCKETIO
            + "SocketIO(app, async_mode='gevent').run(app, port=PORT)"
        ),
        streams=CLIENTS,
        notices_at_once=True,
    ),
    Row("uWSGI, gevent", script(*_UWSGI, "--gevent", "100", "--gevent-monkey-patch"), streams=CLIENTS),
    Row(
        "uWSGI, few greenlets",
        script(*_UWSGI, "--gevent", str(THREADS), "--gevent-monkey-patch"),
        streams=THREADS - 2,
    ),
    Row("uWSGI, threads", script(*_UWSGI, "--threads", str(THREADS)), streams=THREADS - 2),
    Row(
        "waitress",
        module("waitress", "--listen=127.0.0.1:PORT", f"--threads={THREADS}", f"{APP}:app"),
        streams=THREADS - 2,
        is_tested=True,
    ),
    Row(
        "cheroot",
        program(
            f"from cheroot.wsgi import Server; from {APP} import app\n"
            f"Server(('127.0.0.1', PORT), app, numthreads={THREADS}).safe_start()"
        ),
        streams=THREADS - 2,
        is_tested=True,
    ),
    Row(
        "wsgiref with threads",
        program(
            _WSGIREF + "from socketserver import ThreadingMixIn\n"
            "class Server(ThreadingMixIn, WSGIServer): daemon_threads = True\n"
            "make_server('127.0.0.1', PORT, app, Server).serve_forever()"
        ),
        streams=CLIENTS,
    ),
    Row("Granian", script(*_GRANIAN, f"{APP}:app"), streams=THREADS - 2, environment=_PLACES, says="--workers"),
    Row(
        "Twisted",
        module("twisted", "web", "--listen=tcp:PORT:interface=127.0.0.1", f"--wsgi={APP}.app"),
        says="Twisted does not say how many threads it has; set DATASTAR_MAX_STREAMS",
    ),
    Row(
        "Granian, several workers",
        script(*_GRANIAN, "--workers", "2", f"{APP}:app"),
        says="does not say how many threads and processes it has; set DATASTAR_MAX_STREAMS",
    ),
]

REFUSED = [
    Row("gunicorn, sync", module("gunicorn", "-b", "127.0.0.1:PORT", f"{APP}:app"), says=_ONE_AT_A_TIME),
    Row(
        "flask run, without threads",
        program(
            f"import sys; sys.argv = ['flask', '--app', '{APP}:app', 'run', '--port', 'PORT', '--without-threads']\n"
            "from flask.cli import main; main()"
        ),
        says=f"Werkzeug's server without threads {_ONE_AT_A_TIME}",
    ),
    Row(
        "Werkzeug, a process for each",
        program(f"from {APP} import app; app.run(port=PORT, threaded=False, processes=4)"),
        says="Werkzeug's server with processes starts a process for each request",
    ),
    Row(
        "gunicorn, tornado",
        module("gunicorn", "-k", "tornado", "-b", "127.0.0.1:PORT", f"{APP}:app"),
        says="Tornado collects a response",
    ),
    Row(
        "gunicorn, tornado, memory://",
        module("gunicorn", "-k", "tornado", "-b", "127.0.0.1:PORT", f"{APP}:app"),
        says="Tornado collects a response",
        environment=_MEMORY,
    ),
    Row(
        "Tornado's WSGIContainer, threads",
        program(_TORNADO.replace("EXECUTOR", "ThreadPoolExecutor(8)")),
        says="Tornado collects a response",
        environment=_MEMORY,
    ),
    Row("uWSGI, one process", script(*_UWSGI), says=f"uWSGI {_ONE_AT_A_TIME}"),
    Row("uWSGI, processes", script(*_UWSGI, "--processes", "3", "--master"), says=f"uWSGI {_ONE_AT_A_TIME}"),
    Row(
        "bjoern",
        program(f"import bjoern; from {APP} import app; bjoern.run(app, '127.0.0.1', PORT)"),
        says=f"bjoern {_ONE_AT_A_TIME}",
        environment=_MEMORY,
    ),
    Row("uWSGI, gevent, not patched", script(*_UWSGI, "--gevent", "100"), says=_UNPATCHED),
    Row(
        "wsgiref",
        program(_WSGIREF + "make_server('127.0.0.1', PORT, app).serve_forever()"),
        says=f"wsgiref's server {_ONE_AT_A_TIME}",
        is_tested=True,
    ),
    Row("gevent's WSGIServer, not patched", program(_PYWSGI), says=_UNPATCHED, is_tested=True),
    Row(
        "gevent, patch_all(thread=False)",
        program("from gevent import monkey; monkey.patch_all(thread=False)\n" + _PYWSGI),
        says=_UNPATCHED,
        is_tested=True,
    ),
    Row(
        "socketio.run, not patched",
        program(_SOCKETIO + "SocketIO(app, async_mode='gevent').run(app, port=PORT)"),
        says=_UNPATCHED,
    ),
    Row(
        "eventlet, patched",
        program(
            "import eventlet; eventlet.monkey_patch()\n"
            f"from eventlet import wsgi; from {APP} import app; wsgi.server(eventlet.listen(('127.0.0.1', PORT)), app)"
        ),
        says="eventlet sends nothing",
    ),
    Row(
        "eventlet, not patched",
        program(
            f"import eventlet; from eventlet import wsgi; from {APP} import app\n"
            "wsgi.server(eventlet.listen(('127.0.0.1', PORT)), app)"
        ),
        says="eventlet sends nothing",
    ),
    Row(
        "socketio.run, eventlet",
        program(
            "import eventlet; eventlet.monkey_patch()\n"
            + _SOCKETIO
            + "SocketIO(app, async_mode='eventlet').run(app, port=PORT)"
        ),
        says="eventlet sends nothing",
    ),
    Row(
        # By a2wsgi, where that is installed.
        "uvicorn --interface wsgi",
        module("uvicorn", "--interface", "wsgi", "--port", "PORT", f"{APP}:app"),
        says=f"runs this application for an ASGI server and {_BRIDGE}",
    ),
    Row(
        "uvicorn's WSGIMiddleware",
        program(
            "import sys; sys.modules['a2wsgi'] = None\n"
            f"import uvicorn; uvicorn.run('{APP}:app', interface='wsgi', port=PORT)"
        ),
        says=f"uvicorn's WSGIMiddleware runs this application for an ASGI server and {_BRIDGE}",
    ),
    Row(
        "uvicorn, memory://",
        module("uvicorn", "--interface", "wsgi", "--port", "PORT", f"{APP}:app"),
        says=_BRIDGE,
        environment=_MEMORY,
    ),
    Row(
        "a2wsgi",
        module("uvicorn", "--port", "PORT", f"{APP}:by_a2wsgi"),
        says="a2wsgi runs this application",
    ),
    Row("asgiref", module("uvicorn", "--port", "PORT", f"{APP}:by_asgiref"), says="asgiref runs this application"),
    Row("Starlette", module("uvicorn", "--port", "PORT", f"{APP}:by_starlette"), says="Starlette's WSGIMiddleware"),
    Row("Hypercorn", module("hypercorn", "--bind", "127.0.0.1:PORT", f"wsgi:{APP}:app"), says="Hypercorn runs this"),
]

ROWS = [*HOLDING, *REFUSED]
