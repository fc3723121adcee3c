"""The sender of a request, and the session that its response set."""

from __future__ import annotations

from typing import Any

from flask import Request, Response
from flask.globals import request_ctx

from ..errors import InvalidSignals
from ..reading.signals import SIGNALS_IN_QUERY, read_signals
from ..reading.tabs import read_tab
from ..state.request import RequestState
from .app import Repeats
from .owners import LONGEST_MARK, NO_SESSION, Owner, owner_of_marks


def owner_of(repeats: Repeats, state: RequestState, current: Request) -> Owner:
    """Return the marks of who sent a request."""
    signals = state.received
    if signals is None:
        signals = _signals(state, current)
    tab = read_tab(current, signals)[0]
    context = request_ctx._get_current_object().__dict__  # type: ignore[attr-defined]
    # Neither of them counts as an access to the session.
    session = context["_session"] if "_session" in context else context.get("session")
    if session:
        app = repeats.app_state.app
        cookie = current.cookies.get(app.session_interface.get_cookie_name(app))
        if cookie:
            return owner_of_marks((_cookie_mark(repeats, cookie), tab, ""))
    return owner_of_marks((None, tab, current.environ.get("REMOTE_ADDR", "")))


def row_owner(owner: Owner) -> str:
    """Return the mark by which the database tells clicks of the same name apart."""
    # A session may be another one after a worker was killed; the tab stays.
    return owner.tab or owner.session or ""


def _signals(state: RequestState, current: Request) -> dict[str, Any]:
    # A body of another kind is for the handler to read, perhaps as it comes.
    is_read = current.method in SIGNALS_IN_QUERY or "application/json" in current.environ.get("CONTENT_TYPE", "")
    try:
        return read_signals(current, state) if is_read else {}
    except InvalidSignals:
        return {}


def _cookie_mark(repeats: Repeats, cookie: str) -> str:
    # Of Flask's own cookies the content alone: the time and the signature after it change without it.
    parts = cookie.rsplit(".", 2)
    content = parts[0] if len(parts) == 3 else cookie
    return content if len(content) <= LONGEST_MARK else repeats.digest(content)


def given_session(repeats: Repeats, response: Response) -> str | None:
    """Return the mark of the session that a response sets, None if it sets none."""
    start = ""
    for name, value in response.headers._list:
        if name == "Set-Cookie":
            app = repeats.app_state.app
            start = start or f"{app.session_interface.get_cookie_name(app)}="
            if value.startswith(start):
                cookie = value[len(start) :].partition(";")[0]
                return _cookie_mark(repeats, cookie) if cookie else NO_SESSION
    return None
