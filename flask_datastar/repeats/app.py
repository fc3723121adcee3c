"""The state of one app's clicks."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable
from functools import partial
from hashlib import blake2b
from typing import Any

from flask import Response
from flask.globals import request_ctx

from ..hooks import repeat_answered
from ..state.app import AppState
from ..transport.wakeups import PerProcess
from .answers import Answer, ignored, replay, unfinished
from .claims import SharedClaims, Verdict
from .clicks import Stage
from .store import ClickStore
from .table import RepeatTable


class Repeats:
    """The clicks of one app."""

    def __init__(self, app_state: AppState) -> None:
        settings = app_state.settings
        self.app_state = app_state
        self.is_on = settings.repeats_seconds > 0
        self.store = PerProcess(partial(ClickStore, settings.repeats_seconds, settings.repeats_bytes))
        self.shared: PerProcess[SharedClaims | None] = PerProcess(self._make_shared)
        #: Both of them, for each click.
        self.own = PerProcess(lambda: (self.store.get(), self.shared.get()))
        self.table = None
        if self.is_on and settings.repeats is not None:
            self.table = RepeatTable(settings.repeats, settings.repeats_seconds)
        #: How many clicks ran, and what became of their repeats.
        self.runs = 0
        self.counts: Counter[str] = Counter()
        self._secret = b""
        #: Returns the app's broker in this process, None if there is no other process to reach.
        self.find_broker: Callable[[], Any] = lambda: None

    def digest(self, text: str) -> str:
        """Shorten a text to one that only the app's own processes can make."""
        if not self._secret:
            key = self.app_state.app.secret_key
            key = key.encode() if isinstance(key, str) else key
            self._secret = blake2b(key).digest() if key else secrets.token_bytes(64)
        return blake2b(text.encode(), key=self._secret, digest_size=16).hexdigest()

    def answer(self, verdict: Verdict, answer: Answer | None) -> Response:
        """Return the response of the current request, which is a repeat, and count it."""
        app = self.app_state.app
        if verdict.stage is Stage.RUNNING:
            self.counts["unfinished"] += 1
            return unfinished(app.response_class, is_known=not verdict.is_lost)
        is_answered = answer is not None
        self.counts["answered" if is_answered else "ignored"] += 1
        response = replay(answer, app.response_class) if answer is not None else ignored(app.response_class)
        if repeat_answered.receivers:
            repeat_answered.send(app, endpoint=request_ctx.request.endpoint, ignored=not is_answered, response=response)
        return response

    def stats(self) -> dict[str, Any]:
        """Return the counters of this process."""
        store, shared = self.store.get(), self.shared.value
        return {
            "runs": self.runs,
            "answered": self.counts["answered"],
            "ignored": self.counts["ignored"],
            "unfinished": self.counts["unfinished"],
            "kept": len(store),
            "kept_bytes": store.size,
            "dropped": store.dropped,
            "forgotten": store.forgotten,
            "broker_failed": shared.failed if shared is not None else 0,
        }

    def _make_shared(self) -> SharedClaims | None:
        broker = self.find_broker()
        if broker is None or not broker.is_shared:
            return None
        if not broker.has_claims:
            self.app_state.warn_once(
                "Datastar: the broker %s cannot claim clicks, so a repeat that reaches another process runs again; "
                "give it claim, keep, drop and look_up, or use Datastar(app, repeats=db)",
                type(broker).__name__,
            )
            return None
        return SharedClaims(broker, self.digest, self.app_state.settings.repeats_seconds)
