"""Streams counted by browser, in debug mode: over HTTP/1.1 they use up its six connections to a host."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from flask import Request, Response

from ..state.app import AppState
from ..transport.wakeups import make_lock

#: The number of streams that leaves one connection for clicks.
_NEARLY_ALL = 5

# Headers of proxies: the connections of the browser end at the proxy, and may be HTTP/2.
_PROXY_HEADERS = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_FORWARDED", "HTTP_VIA")

Browser = tuple[str, str]


class Browsers:
    """The number of open streams of each browser, which is a client's address and user agent."""

    def __init__(self, app_state: AppState) -> None:
        self._app_state = app_state
        self._lock = make_lock()
        self._streams: Counter[Browser] = Counter()

    def add(self, browser: Browser, response: Response) -> None:
        """Count a stream until its response is closed, and warn once if the browser has hardly a connection left."""
        with self._lock:
            self._streams[browser] += 1
            count = self._streams[browser]
        response.call_on_close(lambda: self._remove(browser))
        if count >= _NEARLY_ALL:
            self._app_state.warn_once(
                "Datastar: a browser at %s holds %d streams over HTTP/1.1, which allows it six connections to a host "
                "for all of its tabs: clicks will wait; close tabs, open one stream a page, and use HTTP/2 in "
                "production",
                browser[0],
                count,
            )

    def _remove(self, browser: Browser) -> None:
        with self._lock:
            self._streams[browser] -= 1
            if not self._streams[browser]:
                del self._streams[browser]


def count_for_browser(app_state: AppState, current: Request, response: Response) -> None:
    """Count the stream of a response for its browser, in debug mode and without a proxy."""
    if app_state.app.debug and (browser := _browser_of(current.environ)) is not None:
        app_state.part(Browsers).add(browser, response)


def _browser_of(environ: Mapping[str, Any]) -> Browser | None:
    is_old = str(environ.get("SERVER_PROTOCOL", "")).startswith("HTTP/1")
    if not is_old or any(name in environ for name in _PROXY_HEADERS):
        return None
    return str(environ.get("REMOTE_ADDR", "")), str(environ.get("HTTP_USER_AGENT", ""))
