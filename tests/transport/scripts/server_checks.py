"""Checks of what is found of a server that runs on greenlets; threads are not patched unless a check does so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask_datastar.transport.servers import Server, find_server

PYWSGI = {"SERVER_SOFTWARE": "gevent/24.11 Python/3.11", "wsgi.multithread": False, "wsgi.multiprocess": False}


def found_in_a_greenlet(environ: dict[str, Any]) -> Server:
    """Ask as a greenlet does that serves a request."""
    import gevent

    job: Callable[[], Server] = gevent.spawn(find_server, environ).get  # type: ignore[assignment]
    return job()


def found_in_a_bare_greenlet(environ: dict[str, Any]) -> Server:
    """Ask as ``WSGIServer(spawn="raw")`` does."""
    import gevent

    found: list[Server] = []
    gevent.spawn_raw(lambda: found.append(find_server(environ)))
    gevent.sleep(0.01)
    return found[0]


def found_in_a_greenlet_of_a_thread(environ: dict[str, Any]) -> Server:
    """Ask as a server does that a thread runs, with an event loop of its own."""
    import threading

    found: list[Server] = []
    thread = threading.Thread(target=lambda: found.append(found_in_a_greenlet(environ)))
    thread.start()
    thread.join()
    return found[0]


def check_greenlets_beside_native_threads_are_refused() -> None:
    for find in (found_in_a_greenlet, found_in_a_bare_greenlet, found_in_a_greenlet_of_a_thread):
        refusal = find(PYWSGI).refusal
        assert refusal is not None
        assert refusal.startswith("gevent serves here, but threads are not patched")
        assert "gevent.monkey.patch_all()" in refusal
        assert find({}).refusal == find({"uwsgi.version": b"2.0"}).refusal == refusal


def check_threads_that_use_gevent_now_and_then_are_trusted() -> None:
    import gevent

    gevent.sleep(0)
    assert find_server({"gunicorn.socket": object(), "wsgi.multithread": True}).refusal is None


def check_patches_without_threads_are_refused() -> None:
    from gevent import monkey

    monkey.patch_all(thread=False)
    assert "not patched" in (found_in_a_greenlet(PYWSGI).refusal or "")


def check_patches_without_time_are_refused() -> None:
    from gevent import monkey

    # A lock that is taken waits by it.
    monkey.patch_all(time=False)
    assert "not patched" in (found_in_a_greenlet(PYWSGI).refusal or "")


def check_patches_of_sockets_alone_are_refused() -> None:
    from gevent import monkey

    monkey.patch_socket()
    assert "not patched" in (found_in_a_greenlet(PYWSGI).refusal or "")


def check_patched_greenlets_are_trusted() -> None:
    from gevent import monkey

    monkey.patch_all()
    for environ in (PYWSGI, {}):
        found = found_in_a_greenlet(environ)
        assert (found.refusal, found.threads, found.hides_threads) == (None, None, False)


def check_greenlets_of_uwsgi_have_a_number() -> None:
    import sys
    from types import SimpleNamespace

    from gevent import monkey

    monkey.patch_all()
    environ = {"uwsgi.version": b"2.0", "wsgi.multithread": False}
    for options, number in (({"gevent": b"100"}, 100), ({}, None)):
        sys.modules["uwsgi"] = SimpleNamespace(opt=options)  # type: ignore[assignment]
        found = found_in_a_greenlet(environ)
        assert (found.name, found.refusal, found.option) == ("uWSGI", None, "--gevent 1000")
        assert (found.threads, found.hides_threads) == (number, number is None)


def check_stream_in_a_greenlet_is_refused_after_one_in_a_thread() -> None:
    import gevent
    from flask import Flask

    from flask_datastar import Datastar
    from flask_datastar.errors import SetupError
    from tests.support.wsgi import call

    app = Flask(__name__)
    app.testing = True
    datastar = Datastar(app)

    @datastar.stream(group="g")
    def stream() -> Any:
        return datastar.follow("news")

    def open_one() -> str:
        try:
            _, _, body = call(app, "/ds/g/stream")
        except SetupError as error:
            return str(error)
        body.close()
        return "open"

    # Both ways round: whether a server is fit is kept, and greenlets are another one.
    assert open_one() == "open"
    assert gevent.spawn(open_one).get().startswith("gevent serves here, but threads are not patched")
    assert open_one() == "open"


class Hub:
    """The event loop of eventlet, which is not installed here: a greenlet from which others are started."""

    def __init__(self) -> None:
        from greenlet import greenlet

        self.greenlet = greenlet(self._loop)

    def run(self, function: Callable[[], object]) -> None:
        self.greenlet.switch(function)

    def _loop(self, function: Callable[[], object]) -> None:
        from greenlet import greenlet

        while True:
            greenlet(function).switch()
            function = self.greenlet.parent.switch()


def check_greenlets_of_eventlet_are_refused() -> None:
    import sys
    from types import SimpleNamespace

    hub, found = Hub(), []
    sys.modules["eventlet.hubs"] = SimpleNamespace(_threadlocal=SimpleNamespace(hub=hub))  # type: ignore[assignment]
    for environ in ({"SERVER_SOFTWARE": "x"}, {"gunicorn.socket": object(), "SERVER_SOFTWARE": "gunicorn/23"}):
        hub.run(lambda environ=environ: found.append(find_server({**environ, "wsgi.multithread": True})))

    refusals = [server.refusal or "" for server in found]
    assert refusals[0].startswith("eventlet sends nothing before it has 4096 bytes")
    assert refusals[1].startswith("gunicorn's eventlet worker removes what tells streams that a client leaves")
    # A thread of the same process, and one whose loop has not run.
    assert find_server({}).refusal is None
    del sys.modules["eventlet.hubs"]._threadlocal.hub
    assert find_server({}).refusal is None
