"""Flask-WTF's CSRF tokens: their way into a page, from there into actions, and back to Flask-WTF's check.

``CSRFProtect`` is looked up when it is needed, so the application may initialise it before or after the extension, and
only the application imports Flask-WTF. The text of an action contains the name of the signal with the token, never the
token itself.
"""

from __future__ import annotations

from typing import Any

from flask import Flask, Request, g, request
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.exceptions import HTTPException

from ..errors import SetupError
from ..reading.bodies import is_form, read_form
from ..reading.signals import SIGNALS_IN_QUERY, is_datastar_request, read_signals
from ..sansio.actions import add_header
from ..sansio.consts import CARRIED_TOKEN, TOKEN_SIGNAL
from ..sansio.javascript import Expression
from ..state.app import AppState
from ..state.request import RequestState, find_request_state

#: The salt of Flask-WTF's tokens.
_SALT = "wtf-csrf-token"

_VERBS = frozenset({"POST", "PUT", "PATCH", "DELETE", "QUERY"})


def is_protected(app: Flask) -> bool:
    """Return whether the app has Flask-WTF's ``CSRFProtect``, and has not disabled it."""
    protection = app.extensions.get("csrf")
    if protection is None or not app.config.get("WTF_CSRF_ENABLED", True):
        return False
    # Another extension may use the key. The class is compared by name, because importing it would need the package.
    return any(base.__module__ == "flask_wtf.csrf" for base in type(protection).__mro__)


def page_token() -> str:
    """Return the token of the current request's session; a session without a token gets one, and so a cookie."""
    from flask_wtf.csrf import generate_csrf

    return str(generate_csrf())


def session_key(app: Flask) -> str:
    """Return the key in the session and in ``g`` under which Flask-WTF keeps the value that tokens are bound to."""
    return str(app.config.get("WTF_CSRF_FIELD_NAME", "csrf_token"))


def sign_token(app: Flask, raw: str) -> str:
    """Create a token for a session whose request has ended.

    :param raw: the session's value under its :func:`session_key`.
    """
    return str(URLSafeTimedSerializer(signing_keys(app)[0], salt=_SALT).dumps(raw))


def is_signed_here(app: Flask, token: str) -> bool:
    """Return whether a token was made by this app, for whatever session and however long ago."""
    for key in signing_keys(app):
        try:
            URLSafeTimedSerializer(key, salt=_SALT).loads(token)
        except BadData:
            continue
        return True
    return False


def signing_keys(app: Flask) -> list[str | bytes]:
    """Return the key that signs tokens, followed by older keys that still verify sessions."""
    own = app.config.get("WTF_CSRF_SECRET_KEY")
    keys = [own] if own is not None else [app.secret_key, *(app.config.get("SECRET_KEY_FALLBACKS") or ())]
    return [key for key in keys if key is not None]


def token_header(app: Flask, verb: str) -> str | None:
    """Return the name of the header in which an action sends the token, or None if it needs no token."""
    if not is_protected(app) or verb not in _VERBS | set(app.config["WTF_CSRF_METHODS"]):
        return None
    return next(iter(app.config["WTF_CSRF_HEADERS"]), None)


def action_headers(app: Flask, verb: str, headers: object) -> object:
    """Add the header with the page's token to an action's headers; a token header that the page gives is kept.

    :param headers: the action's option ``_headers`` as given; None if it is missing.
    """
    name = token_header(app, verb)
    if name is None:
        return headers
    return add_header(headers, name, Expression.from_js(f"${TOKEN_SIGNAL}"), app.config["WTF_CSRF_HEADERS"])


def carry_token(state: RequestState, request: Request) -> None:
    """Copy a token from the signal or form field ``csrf`` to the header that Flask-WTF checks.

    Only tokens in a body are accepted, because URLs are written to access logs.
    """
    app = state.app_state.app
    if not is_protected(app) or request.method not in app.config["WTF_CSRF_METHODS"] or _is_exempt(app, request):
        return
    names = app.config["WTF_CSRF_HEADERS"]
    if not names or any(request.headers.get(name) for name in names):
        return
    token = _carried(state, request)
    if isinstance(token, str) and token:
        request.environ[f"HTTP_{names[0].upper().replace('-', '_')}"] = token


def _carried(state: RequestState, request: Request) -> object:
    """Return the token in the body, if the check or the handler will read that body anyway.

    Other views may want to read their bodies themselves.
    """
    is_datastar = is_datastar_request(request)
    if is_form(request):
        is_read_anyway = is_datastar or state.app_state.app.config["WTF_CSRF_CHECK_DEFAULT"]
        return read_form(request).get(CARRIED_TOKEN) if is_read_anyway else None
    # A body of unknown length that proves too large could not be read again.
    if not is_datastar or request.method in SIGNALS_IN_QUERY or request.content_length is None:
        return None
    try:
        return read_signals(request, state).get(CARRIED_TOKEN)
    except HTTPException:
        # The error is raised again where the signals are read.
        return None


def _is_exempt(app: Flask, request: Request) -> bool:
    """Return whether the request's view is exempt from the check. A miss costs no more than reading a form."""
    protection: Any = app.extensions["csrf"]
    if app.blueprints.get(request.blueprint or "") in getattr(protection, "_exempt_blueprints", ()):
        return True
    view = app.view_functions.get(request.endpoint or "")
    # A partial or a callable object has no name, so it cannot be exempt.
    name = f"{getattr(view, '__module__', None)}.{getattr(view, '__name__', None)}"
    return name in getattr(protection, "_exempt_views", ())


def check_no_token(app_state: AppState, data: bytes) -> None:
    """Refuse to send the current session's token to other people.

    :raises SetupError: if the data contains the token.
    """
    if holds_token(app_state, data):
        raise SetupError(
            "the message contains the CSRF token of the user whose request this is, which no other user may receive; "
            "leave it out, render templates with the broadcast's patch_template(), and use neither csrf_token() nor a "
            "form's hidden_tag() in them"
        )


def holds_token(app_state: AppState, data: bytes) -> bool:
    """Return whether data contains the current session's token, as far as it is known here."""
    if not is_protected(app_state.app):
        return False
    token = g.get(session_key(app_state.app))
    is_in_there = isinstance(token, str) and token.encode() in data
    return is_in_there or any(_is_token(app_state.app, sent) for sent in _sent_values() if sent.encode() in data)


def _sent_values() -> list[str]:
    """List where the current request may have a token, as far as its body was read already."""
    state = find_request_state()
    if state is None:
        return []
    app, current = state.app_state.app, request
    found: list[object] = [current.headers.get(name) for name in app.config["WTF_CSRF_HEADERS"]]
    found += [(state.received or {}).get(name) for name in (CARRIED_TOKEN, TOKEN_SIGNAL)]
    if "form" in current.__dict__:
        found += [current.form.get(name) for name in (CARRIED_TOKEN, session_key(app))]
    return [value for value in found if isinstance(value, str) and value]


def _is_token(app: Flask, value: str) -> bool:
    """Return whether a text that a request sent is a token, because any other text must not stop a broadcast."""
    keys = [key.encode() if isinstance(key, str) else key for key in reversed(signing_keys(app))]
    try:
        URLSafeTimedSerializer(keys, salt=_SALT).loads(value)
    except BadData:
        return False
    return True
