"""The sender of a request, and the session that its response set."""

from __future__ import annotations

from flask import Request, Response
from flask.globals import request_ctx

from ..errors import InvalidSignals
from ..reading.signals import SIGNALS_IN_QUERY, read_signals
from ..reading.tabs import read_tab
from ..state.request import RequestState
from .app import Repeats
from .owners import LONGEST_MARK, NO_SESSION, Owner


def owner_of(repeats: Repeats, state: RequestState, current: Request) -> Owner:
    """Return the marks of who sent a request."""
    session = _session_mark(repeats, current)
    address = current.environ.get("REMOTE_ADDR", "") if session is None else ""
    return Owner(session, _tab(state, current), address)


def row_owner(owner: Owner) -> str:
    """Return the mark by which the database tells clicks of the same name apart."""
    # A session may be another one after a worker was killed; the tab stays.
    return owner.tab or owner.session or ""


def _tab(state: RequestState, current: Request) -> str | None:
    signals = state.received
    if signals is None:
        # A body of another kind is for the handler to read, perhaps as it comes.
        is_read = current.method in SIGNALS_IN_QUERY or "application/json" in current.environ.get("CONTENT_TYPE", "")
        try:
            signals = read_signals(current, state) if is_read else {}
        except InvalidSignals:
            return None
    return read_tab(current, signals)[0]


def _session_mark(repeats: Repeats, current: Request) -> str | None:
    """Return the mark of a request's session, None without a session. It does not count as an access."""
    context = request_ctx._get_current_object().__dict__  # type: ignore[attr-defined]
    session = context["_session"] if "_session" in context else context.get("session")
    if not session:
        return None
    app = repeats.app_state.app
    cookie = current.cookies.get(app.session_interface.get_cookie_name(app))
    return _cookie_mark(repeats, cookie) if cookie else None


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
