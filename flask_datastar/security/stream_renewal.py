"""The renewal of CSRF tokens by open streams, whose pages may live longer than their tokens."""

from __future__ import annotations

from flask import Flask, session

from ..sansio.consts import TOKEN_SIGNAL
from ..sansio.signals import patch_signals
from ..state.app import AppState
from .tokens import is_protected, session_key, sign_token, signing_keys


class TokenRenewal:
    """Fresh tokens for the session with which a stream was opened.

    Of the request only the value that the tokens are bound to is kept, because a stream that only follows topics has no
    session.
    """

    __slots__ = ("_app", "_raw", "due_at")

    def __init__(self, app: Flask, raw: str) -> None:
        self._app = app
        self._raw = raw
        #: The time of the next token, by ``time.monotonic()``. The first is due at once, because the page may be old.
        self.due_at = 0.0

    def take(self, now: float) -> bytes:
        """Return the event with a fresh token if the next token is due.

        :param now: the current time, by ``time.monotonic()``.
        :return: an encoded event; b"" if no token is due.
        """
        if now < self.due_at:
            return b""
        # Half of the time limit, so that a page that reconnects late still has a valid token.
        self.due_at = now + self._app.config["WTF_CSRF_TIME_LIMIT"] / 2
        return patch_signals({TOKEN_SIGNAL: sign_token(self._app, self._raw)}).encode()


def renewal_for(app_state: AppState) -> TokenRenewal | None:
    """Create the renewal for the stream of the current request.

    :return: the renewal, or None if tokens do not expire or the session has no token.
    """
    app = app_state.app
    if not is_protected(app) or app.config["WTF_CSRF_TIME_LIMIT"] is None or not signing_keys(app):
        return None
    raw = session.get(session_key(app))
    return TokenRenewal(app, raw) if isinstance(raw, str) else None
