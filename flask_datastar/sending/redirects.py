"""Redirects for Datastar requests.

``fetch`` would follow one unseen and morph the target into the page (protocol: retries and redirects), so it becomes
an event that makes the browser itself go there.
"""

from __future__ import annotations

from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urljoin, urlsplit, urlunsplit

from flask import Flask, Request, Response, session

from ..reading.signals import is_datastar_request
from ..sansio import scripts
from ..state.request import RequestState
from .response import finish, start_response

_CONVERTED = frozenset({301, 302, 303})
_NOT_COPIED = frozenset({"location", "content-type", "content-length", "cache-control"})


def convert_redirect(response: Response, request: Request, state: RequestState) -> Response:
    """Turn a redirect into the redirect event, with its cookies and headers, after what the handler had sent.

    Left alone are 304, 307 and 308, what no Datastar client asked for, and a redirect to the same path.
    """
    if response.status_code not in _CONVERTED or not is_datastar_request(request):
        return response
    location = response.headers.get("Location")
    if not location:
        return response
    if unquote(_split(location, request.url).path) == _own_path(request):
        return response
    converted = start_response(state)
    for name, value in response.headers:
        if name.lower() not in _NOT_COPIED:
            converted.headers.add(name, value)
    prefix = request.root_path + state.app_state.settings.url_prefix
    _correct_session(state.app_state.app, request, prefix)
    converted._emit(scripts.redirect(_lead_back(location, request, prefix)))
    response.close()
    return finish(converted, state)


def _lead_back(location: str, request: Request, prefix: str) -> str:
    """Let a login page's ``next`` name the page that the user saw, not the handler that its script called."""
    parts = _split(location)
    query = parse_qsl(parts.query, keep_blank_values=True)
    if not any(name == "next" and _is_handler(value, request, prefix) for name, value in query):
        return location
    page = _referring_page(request, prefix)
    kept = [(name, page if name == "next" and _is_handler(value, request, prefix) else value) for name, value in query]
    return urlunsplit(parts._replace(query=urlencode([(name, value) for name, value in kept if value is not None])))


def _correct_session(app: Flask, request: Request, prefix: str) -> None:
    """Do the same for a ``next`` that Flask-Login keeps in the session instead (``USE_SESSION_FOR_NEXT``)."""
    if not app.config.get("USE_SESSION_FOR_NEXT") or not _is_handler(str(session.get("next", "")), request, prefix):
        return
    page = _referring_page(request, prefix)
    if page is None:
        del session["next"]
    else:
        session["next"] = page


def _is_handler(url: str, request: Request, prefix: str) -> bool:
    path = unquote(_split(url).path)
    return path.startswith(f"{prefix}/") or path == _own_path(request)


def _referring_page(request: Request, prefix: str) -> str | None:
    """Give path and query of the page that the request came from, if it is one of this host."""
    parts = _split(request.referrer or "")
    if parts.scheme not in ("http", "https") or parts.netloc.lower() != request.host.lower():
        return None
    # Two slashes would make it another host for whoever redirects there; for a browser a backslash is one.
    if parts.path.startswith((f"{prefix}/", "//")) or "\\" in parts.path:
        return None
    return urlunsplit(("", "", parts.path or "/", parts.query, ""))


def _own_path(request: Request) -> str:
    return request.root_path + request.path


def _split(url: str, base: str = "") -> SplitResult:
    """Take a URL apart; a malformed one has no parts."""
    try:
        return urlsplit(urljoin(base, url))
    except ValueError:
        return urlsplit("")
