"""Datastar requests that fail the check of their CSRF token although nobody forged them.

If a token is only too old, the page gets a fresh one, and its next click works. If the session has ended, the guards of
the endpoint answer first: mostly they lead to the login page. The handler runs in neither case.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

from flask import Flask, Request, request, session
from markupsafe import Markup
from werkzeug.exceptions import BadRequest, Forbidden, HTTPException

from ..reading.bodies import is_form
from ..reading.signals import is_datastar_request
from ..sansio.consts import CARRIED_TOKEN, TOKEN_SIGNAL
from ..sansio.elements import patch_elements
from ..sansio.events import Event
from ..sansio.scripts import dispatch_event
from ..sansio.signals import patch_signals
from ..sending.response import finish, start_response
from ..state.app import AppState
from ..state.request import RequestState, request_state_of
from .guards import ask_guards
from .origin import check_origin
from .tokens import is_protected, is_signed_here, page_token, session_key, signing_keys

#: The event that tells the page that its token was renewed, and that its request was not carried out.
RENEWED = "csrf-renewed"

_FIELD_NAME = re.compile(r"[\w.:-]+")


def install_renewal(app_state: AppState) -> None:
    """Answer a Datastar request that fails for the age of its token, or the end of its session, before error handlers.

    The renewal runs before error handlers, because most applications have a handler of ``CSRFError`` for all other
    cases. It wraps Flask's own handling of exceptions, so it works for a check before the request and for
    ``csrf.protect()`` in a view.
    """
    app = app_state.app
    handle: Callable[..., Any] = app.handle_user_exception

    def renew_or_handle(*arguments: Any) -> Any:
        # The exception is the last argument; newer versions of Flask also pass the context.
        if isinstance(arguments[-1], BadRequest) and is_protected(app):
            try:
                response = _renew(arguments[-1])
            except HTTPException as refusal:
                # A guard's.
                return handle(*arguments[:-1], refusal)
            if response is not None:
                return response
        return handle(*arguments)

    app.handle_user_exception = renew_or_handle  # type: ignore[assignment, method-assign]


def _renew(error: BadRequest) -> Any:
    """Return the answer to a request that failed the check; None leaves it to Flask."""
    from flask_wtf.csrf import CSRFError

    current = request._get_current_object()  # type: ignore[attr-defined]
    state = request_state_of(current)
    if not isinstance(error, CSRFError) or state is None or not is_datastar_request(current):
        return None
    app = state.app_state.app
    token = _checked_token(app, current)
    has_ended = session.get(session_key(app)) is None
    if not token or not (has_ended or _is_only_old(app, token)):
        return None
    try:
        check_origin(current, state.app_state.settings.trusted_origins)
    except Forbidden:
        return None
    if has_ended:
        if (answer := ask_guards(app, current, error)) is not None:
            return answer
        if not is_signed_here(app, token):
            return None
    state.reset()
    response = start_response(state)
    for event in _renewal_events(state, current):
        response._emit(event)
    return finish(response, state)


def _checked_token(app: Flask, current: Request) -> str | None:
    """Return the token that Flask-WTF has checked: a token in a form precedes a token in a header."""
    fields = [current.form[name] for name in _token_fields(app, current)]
    headers = [current.headers.get(name) for name in app.config["WTF_CSRF_HEADERS"]]
    return next((token for token in [*fields, *headers] if token), None)


def _token_fields(app: Flask, current: Request) -> list[str]:
    """Return the names of the form's fields with a token; Flask-WTF puts a form's prefix before the field's name."""
    own = session_key(app)
    # A part of a multipart form may have no name.
    found = [name for name in current.form if name and name.endswith(own) and current.form[name]]
    return sorted(found, key=lambda name: name != own)


def _is_only_old(app: Flask, token: str) -> bool:
    """Return whether a token of this session has expired, or was signed with a key that has been replaced since."""
    if _is_valid(token):
        # Another check failed: the Referer.
        return False
    return any(_is_valid(token, secret_key=key, time_limit=sys.maxsize) for key in signing_keys(app))


def _is_valid(token: str, **options: Any) -> bool:
    from flask_wtf.csrf import validate_csrf
    from wtforms import ValidationError

    try:
        validate_csrf(token, **options)
    except ValidationError:
        return False
    return True


def _renewal_events(state: RequestState, current: Request) -> Iterator[Event]:
    """Yield events that replace the old token in the page, and the event :data:`RENEWED`."""
    token = page_token()
    fresh = {TOKEN_SIGNAL: token}
    if CARRIED_TOKEN in (state.received or {}):
        fresh[CARRIED_TOKEN] = token
    yield patch_signals(fresh)
    fields = _token_fields(state.app_state.app, current)
    if is_form(current) and CARRIED_TOKEN in current.form:
        fields.append(CARRIED_TOKEN)
    for name in fields:
        if _FIELD_NAME.fullmatch(name):
            html = Markup('<input type="hidden" name="{}" value="{}">').format(name, token)
            yield patch_elements(html, selector=f'input[name="{name}"]')
    yield dispatch_event(RENEWED)
