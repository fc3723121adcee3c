"""Flask-WTF's CSRF tokens: how they get into a page, from there into actions, and how the check finds them.

``CSRFProtect`` is looked up when it is needed, so it may be initialised before or after, and nobody but the application
imports Flask-WTF. The text of an action holds no token, only the name of the page's signal with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Flask, Request, g, request
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.exceptions import HTTPException

from ..errors import SetupError
from ..reading.signals import SIGNALS_IN_QUERY, is_datastar_request, is_form, read_signals
from ..sansio import javascript
from ..sansio.consts import CARRIED_TOKEN, TOKEN_SIGNAL
from ..sansio.javascript import Expression
from ..state.app import AppState
from ..state.request import RequestState, find_request_state

#: The salt of Flask-WTF's tokens.
_SALT = "wtf-csrf-token"

_VERBS = frozenset({"POST", "PUT", "PATCH", "DELETE", "QUERY"})


def is_protected(app: Flask) -> bool:
    """Whether Flask-WTF's ``CSRFProtect`` is on the app, and switched on."""
    protection = app.extensions.get("csrf")
    if protection is None or not app.config.get("WTF_CSRF_ENABLED", True):
        return False
    # By its name, because to import the class would need the package: another extension may have taken the key.
    return any(base.__module__ == "flask_wtf.csrf" for base in type(protection).__mro__)


def page_token() -> str:
    """Give the token of the current request's session; it makes one, and so a session cookie, where there is none."""
    from flask_wtf.csrf import generate_csrf

    return str(generate_csrf())


def session_key(app: Flask) -> str:
    """Name what a token is bound to, in the session and in ``g``."""
    return str(app.config.get("WTF_CSRF_FIELD_NAME", "csrf_token"))


def sign_token(app: Flask, raw: str) -> str:
    """Make a token for a session, where there is no request of it any more.

    :param raw: what the session has under its :func:`session_key`.
    """
    return str(URLSafeTimedSerializer(signing_keys(app)[0], salt=_SALT).dumps(raw))


def signing_keys(app: Flask) -> list[str | bytes]:
    """Give the key that tokens are signed with, and those before it that sessions are still read with."""
    own = app.config.get("WTF_CSRF_SECRET_KEY")
    keys = [own] if own is not None else [app.secret_key, *(app.config.get("SECRET_KEY_FALLBACKS") or ())]
    return [key for key in keys if key is not None]


def token_header(app: Flask, verb: str) -> str | None:
    """Name the header in which an action sends the token; None when it has to send none."""
    if not is_protected(app) or verb not in _VERBS | set(app.config["WTF_CSRF_METHODS"]):
        return None
    return next(iter(app.config["WTF_CSRF_HEADERS"]), None)


def action_headers(app: Flask, verb: str, headers: object) -> object:
    """Add the header with the page's token to an action's option; one that the page gives for it stays.

    :param headers: the option as it was given, None for none.
    """
    name = token_header(app, verb)
    if name is None:
        return headers
    token = Expression.from_js(f"${TOKEN_SIGNAL}")
    if isinstance(headers, Expression):
        return Expression.from_js(f"{{{javascript.string(name)}: {token.js}, ...{headers.js}}}")
    if headers is not None and not isinstance(headers, Mapping):
        # The writing of the options says what is wrong with it.
        return headers
    own = headers or {}
    known = {known.lower() for known in app.config["WTF_CSRF_HEADERS"]}
    if any(str(header).lower() in known for header in own):
        return own
    return {**own, name: token}


def carry_token(state: RequestState, request: Request) -> None:
    """Put a token that came as the signal or the form field ``csrf`` where Flask-WTF's check will look for it.

    From the body only: what stands in a URL stands in access logs, too.
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
    """Read what the check or the handler will read anyway; others may want to read their bodies themselves."""
    is_datastar = is_datastar_request(request)
    if is_form(request):
        is_read_anyway = is_datastar or state.app_state.app.config["WTF_CSRF_CHECK_DEFAULT"]
        return request.form.get(CARRIED_TOKEN) if is_read_anyway else None
    # Of one without a length, what turns out to be too large would be lost to others.
    if not is_datastar or request.method in SIGNALS_IN_QUERY or request.content_length is None:
        return None
    try:
        return read_signals(request, state).get(CARRIED_TOKEN)
    except HTTPException:
        # Whoever wants the signals is told what is wrong with them.
        return None


def _is_exempt(app: Flask, request: Request) -> bool:
    """Whether the check leaves the request alone; not to know it only costs the reading of a form."""
    protection: Any = app.extensions["csrf"]
    if app.blueprints.get(request.blueprint or "") in getattr(protection, "_exempt_blueprints", ()):
        return True
    view = app.view_functions.get(request.endpoint or "")
    # A partial, or an object that is called, has no name and so cannot be exempt.
    name = f"{getattr(view, '__module__', None)}.{getattr(view, '__name__', None)}"
    return name in getattr(protection, "_exempt_views", ())


def check_no_token(app_state: AppState, data: bytes) -> None:
    """Refuse to send the current session's token to other people.

    :raises SetupError: it is in there.
    """
    if not is_protected(app_state.app):
        return
    token = g.get(session_key(app_state.app))
    is_in_there = isinstance(token, str) and token.encode() in data
    if is_in_there or any(_is_token(app_state.app, sent) for sent in _sent_values() if sent.encode() in data):
        raise SetupError(
            "what is broadcast holds the CSRF token of the user whose request this is, and would give it to all; "
            "leave it out, render templates with the broadcast's patch_template(), and use neither csrf_token() nor a "
            "form's hidden_tag() in them"
        )


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
    """Whether a text that a request sent is a token: whoever sends any other one is not to stop a broadcast."""
    keys = [key.encode() if isinstance(key, str) else key for key in reversed(signing_keys(app))]
    try:
        URLSafeTimedSerializer(keys, salt=_SALT).loads(value)
    except BadData:
        return False
    return True
