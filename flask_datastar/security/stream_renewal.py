"""Fresh CSRF tokens for the page of an open stream, which may live longer than its token."""

from __future__ import annotations

from flask import Flask, session

from ..sansio.consts import TOKEN_SIGNAL
from ..sansio.signals import patch_signals
from ..state.app import AppState
from .tokens import is_protected, session_key, sign_token, signing_keys


class TokenRenewal:
    """Makes tokens for the session that a stream was opened with.

    All that is kept of the request is what the tokens are bound to, because a stream that only follows has no session.
    """

    __slots__ = ("_app", "_raw", "due_at")

    def __init__(self, app: Flask, raw: str) -> None:
        self._app = app
        self._raw = raw
        #: ``time.monotonic()`` of the next one. The first is due at once: the page may have been open since yesterday.
        self.due_at = 0.0

    def take(self, now: float) -> bytes:
        """Give the event with a fresh token if one is due, b"" before that.

        :param now: ``time.monotonic()``.
        """
        if now < self.due_at:
            return b""
        # At half of their time: a page that comes back a little later still has a good one.
        self.due_at = now + self._app.config["WTF_CSRF_TIME_LIMIT"] / 2
        return patch_signals({TOKEN_SIGNAL: sign_token(self._app, self._raw)}).encode()


def renewal_for(app_state: AppState) -> TokenRenewal | None:
    """Give the current request's stream its renewal; None where tokens do not run out, or the session has none."""
    app = app_state.app
    if not is_protected(app) or app.config["WTF_CSRF_TIME_LIMIT"] is None or not signing_keys(app):
        return None
    raw = session.get(session_key(app))
    return TokenRenewal(app, raw) if isinstance(raw, str) else None
