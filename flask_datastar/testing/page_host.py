"""The functions of a page's window that need the host: location, storage, console, navigation, reports of errors."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from flask.testing import FlaskClient

from .no_effect import NoEffect
from .page_errors import NotInTab
from .tab_state import Entry, TabState

#: The line at which the client's file starts, so that a stack of calls shows which functions are the client's.
CLIENT_LINE = 10_000


@dataclass(frozen=True, slots=True)
class Navigation:
    """A page that the current one goes to."""

    url: str
    method: str
    #: Text of a form, its parts, or None.
    body: Any
    replaces: bool
    is_back: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """An error that nothing in the page has caught."""

    message: str
    stack: str
    event: str
    #: The number of the element; 0 for none.
    element: int


class PageHost:
    """One page's side of the window.

    :param client: whose cookies the page sees.
    """

    def __init__(self, tab: TabState, client: FlaskClient) -> None:
        self._tab, self._client = tab, client
        #: Where the page goes next; None if it stays.
        self.navigation: Navigation | None = None
        self.reports: list[Report] = []
        #: The gestures that did nothing, since the last look.
        self.no_effects: list[NoEffect] = []

    @property
    def url(self) -> str:
        """The page's URL."""
        return self._tab.history[-1].url

    def callables(self) -> dict[str, Callable[..., Any]]:
        """Return the functions for the document's code, by its names for them."""
        tab = self._tab
        return {
            "location": lambda: self.url,
            "url": _split_url,
            "navigate": self._navigate,
            "pushUrl": self._push_url,
            "back": self._back,
            "historyLength": lambda: len(tab.history),
            "referrer": lambda: tab.history[-2].url if len(tab.history) > 1 else "",
            "storage": lambda kind, name: tab.storage(kind).get(name),
            "store": self._store,
            "storageKeys": lambda kind: json.dumps([*tab.storage(kind)]),
            "cookies": self._cookies,
            "setCookie": self._set_cookie,
            "isOnline": lambda: tab.is_online,
            "console": lambda level, text: tab.console.append(f"{level}: {text}"),
            "leftOut": tab.leave_out,
            "noteScript": tab.scripts.append,
            "answer": self._answer,
            "notInTab": self._not_in_tab,
            "noEffect": lambda kind, element, detail: self.no_effects.append(
                NoEffect(kind, element, json.loads(detail))
            ),
            "report": lambda *values: self.reports.append(Report(*values)),
            "utf8": lambda text: base64.b64decode(text).decode("utf-8", "replace"),
        }

    def _navigate(self, url: str, method: str, body: str, replaces: bool = False) -> None:
        self.navigation = Navigation(url, method, json.loads(body), replaces)

    def _push_url(self, url: str, state: str, is_new: bool) -> None:
        if is_new:
            self._tab.history.append(Entry(url, json.loads(state), is_pushed=True))
        else:
            self._tab.history[-1] = Entry(url, json.loads(state), self._tab.history[-1].is_pushed)

    def _back(self) -> None:
        self.navigation = Navigation(self.url, "GET", None, replaces=True, is_back=True)

    def _store(self, kind: str, name: str, value: str | None) -> None:
        if value is None:
            self._tab.storage(kind).pop(name, None)
        else:
            self._tab.storage(kind)[name] = value

    def _cookies(self) -> str:
        host, path = urlsplit(self.url).hostname or "", urlsplit(self.url).path
        cookies = self._client._cookies or {}
        seen = [one for one in cookies.values() if one._matches_request(host, path) and not one.http_only]
        return "; ".join(f"{one.key}={one.value}" for one in seen)

    def _set_cookie(self, text: str) -> None:
        pair, *options = (part.strip() for part in text.split(";"))
        name, _, value = pair.partition("=")
        given = dict(one.partition("=")[::2] for one in options)
        age = {name.lower(): option for name, option in given.items()}.get("max-age")
        if age is not None and age.lstrip("-").isdigit() and int(age) <= 0:
            self._client.delete_cookie(name)
        else:
            self._client.set_cookie(name, value)

    def _answer(self, kind: str, text: str) -> str:
        if not self._tab.answers:
            raise NotInTab(
                f"{kind}({text!r}) asks a person: the test has given no answer; append one to tab.answers before"
            )
        return json.dumps(self._tab.answers.pop(0))

    def _not_in_tab(self, what: str) -> None:
        raise NotInTab(f"the page uses {what}, which only a real browser has; test this part in one")


def _split_url(text: str, base: str) -> str:
    """Return the parts of a URL as JSON; "" if it is not a URL."""
    url = urljoin(base, text.strip()) if base else text.strip()
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    if not parts.scheme or (parts.scheme in ("http", "https") and not parts.hostname):
        return ""
    default = {"http": 80, "https": 443}.get(parts.scheme)
    host = None
    if parts.netloc:
        name = (parts.hostname or "").lower()
        host = name if port is None or port == default else f"{name}:{port}"
    path = parts.path or ("/" if host is not None else "")
    return json.dumps(
        {
            "protocol": f"{parts.scheme}:",
            "host": host,
            "pathname": _escaped(path),
            "search": f"?{_escaped(parts.query)}" if parts.query else "",
            "hash": f"#{parts.fragment}" if parts.fragment else "",
            "userinfo": "",
        }
    )


def _escaped(text: str) -> str:
    """Escape what no URL has, as browsers do: spaces, quotes, and all beyond ASCII."""
    return "".join(
        one if "!" <= one <= "~" and one not in '"<>`{}' else "".join(f"%{byte:02X}" for byte in one.encode())
        for one in text
    )
