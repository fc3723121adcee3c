"""Redirects for Datastar requests.

``fetch`` would silently follow a redirect and morph the target into the page (protocol: retries and redirects), so the
redirect becomes an event that makes the browser itself go there.
"""

from __future__ import annotations

from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urljoin, urlsplit, urlunsplit

from flask import Request, Response, session

from ..reading.signals import is_datastar_request
from ..sansio import scripts
from ..sansio.events import Event
from ..state.request import RequestState
from .response import finish, start_response

#: The redirects that become an event.
REDIRECTS = frozenset({301, 302, 303})
_NOT_COPIED = frozenset({"location", "content-type", "content-length", "cache-control"})


def convert_redirect(response: Response, request: Request, state: RequestState) -> Response:
    """Turn a redirect into the redirect event, with its cookies and headers, after the events that the handler sent.

    The function returns 304, 307 and 308 as they are, also responses to other clients, and redirects to the same path.
    A redirect that a browser should not follow from a script becomes a 400.
    """
    if response.status_code not in REDIRECTS or not is_datastar_request(request):
        return response
    try:
        event = redirect_event(response, request, state)
    except ValueError as error:
        return _refuse(response, request, state, error)
    if event is None:
        return response
    converted = start_response(state)
    for name, value in response.headers:
        if name.lower() not in _NOT_COPIED:
            converted.headers.add(name, value)
    converted._emit(event)
    response.close()
    return finish(converted, state)


def redirect_event(response: Response, request: Request, state: RequestState) -> Event | None:
    """Create the event for a redirect; return None without a location, and for a redirect to the same path.

    :raises ValueError: if the location has another scheme than http and https.
    """
    location = response.headers.get("Location")
    if not location or unquote(_split(location, request.url).path) == _own_path(request):
        return None
    event = scripts.redirect(_lead_back(location, request, state))
    _correct_session(request, state)
    return event


def _refuse(response: Response, request: Request, state: RequestState, error: ValueError) -> Response:
    """Create a 400, not an exception in a hook, because the response was the application's own."""
    app = state.app_state.app
    app.logger.warning(
        "Datastar: %s %s was answered with a redirect that becomes no event, so it is a 400: %s",
        request.method,
        request.path,
        error,
    )
    refused = app.response_class(f"The redirect is refused: {error}.\n", 400, mimetype="text/plain")
    for cookie in response.headers.getlist("Set-Cookie"):
        refused.headers.add("Set-Cookie", cookie)
    state.reset()
    response.close()
    return refused


def _lead_back(location: str, request: Request, state: RequestState) -> str:
    """Make a login page's ``next`` name the page that the user saw, not the handler that its script called."""
    parts = _split(location)
    query = parse_qsl(parts.query, keep_blank_values=True)
    if not any(name == "next" and _is_handler(value, request, state) for name, value in query):
        return location
    page = _referring_page(request, state)
    kept = [(name, page if name == "next" and _is_handler(value, request, state) else value) for name, value in query]
    return urlunsplit(parts._replace(query=urlencode([(name, value) for name, value in kept if value is not None])))


def _correct_session(request: Request, state: RequestState) -> None:
    """Correct a ``next`` that Flask-Login keeps in the session instead (``USE_SESSION_FOR_NEXT``)."""
    if not state.app_state.app.config.get("USE_SESSION_FOR_NEXT"):
        return
    if not _is_handler(str(session.get("next", "")), request, state):
        return
    page = _referring_page(request, state)
    if page is None:
        del session["next"]
    else:
        session["next"] = page


def _is_handler(url: str, request: Request, state: RequestState) -> bool:
    """Return whether a URL names a handler, or the view that was called; below a mount, with or without its path."""
    path, root = unquote(_split(url).path), request.root_path
    if root and not path.startswith(f"{root}/"):
        # ``request.full_path`` leaves the mount out.
        path = f"{root}{path}"
    return path.startswith(f"{_prefix(request, state)}/") or path == _own_path(request)


def _referring_page(request: Request, state: RequestState) -> str | None:
    """Return path and query of the page that the request came from, if it is a page of this host."""
    parts = _split(request.referrer or "")
    if parts.scheme not in ("http", "https") or parts.netloc.lower() != request.host.lower():
        return None
    # A redirect to a path with two slashes in front leads to another host; browsers read a backslash as a slash.
    if parts.path.startswith((f"{_prefix(request, state)}/", "//")) or "\\" in parts.path:
        return None
    return urlunsplit(("", "", parts.path or "/", parts.query, ""))


def _prefix(request: Request, state: RequestState) -> str:
    return f"{request.root_path}{state.app_state.settings.url_prefix}"


def _own_path(request: Request) -> str:
    return request.root_path + request.path


def _split(url: str, base: str = "") -> SplitResult:
    """Split a URL; the parts of a malformed one are empty."""
    try:
        return urlsplit(urljoin(base, url))
    except ValueError:
        return urlsplit("")
