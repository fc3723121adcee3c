"""Errors you can see: in debug mode an exception appears in the page that asked, with its traceback.

It is made outside of everything that Flask does about an exception: error handlers, ``got_request_exception`` and
teardown functions have had it by then.
"""

from __future__ import annotations

import json
import linecache
import traceback
from collections import deque
from typing import Any

from flask import Flask, Request, Response, request
from werkzeug.exceptions import HTTPException

from ..errors import InvalidSignals
from ..reading.signals import is_datastar_request, read_signals
from ..sansio.consts import CARRIED_TOKEN, SSE_HEADERS
from ..sansio.error_overlay import error_overlay
from ..state.app import AppState
from ..state.request import RequestState, state_of
from .restarts import restart_block

#: How many of the last writes of a streamed answer are shown.
_SHOWN_WRITES = 20


def install_overlay(app_state: AppState) -> None:
    """Answer Datastar requests that end with an exception, in debug mode."""
    app = app_state.app

    def answer(current: Request, error: Exception) -> Response | None:
        if not _is_for_overlay(app, current, error):
            return None
        # Flask logs what it answers itself, and leaves to the server what it does not.
        app.logger.error("Exception on %s [%s]", current.path, current.method, exc_info=error)
        return Response(_body(app_state, current, error), headers=dict(SSE_HEADERS))

    handle = app.handle_user_exception

    def show_or_handle(*arguments: Any) -> Any:
        # The last argument is the exception; newer versions of Flask pass the context, too.
        error, result = arguments[-1], handle(*arguments)
        # Flask returns the exception itself if no error handler took it.
        if result is not error or not isinstance(error, InvalidSignals):
            return result
        current = request._get_current_object()  # type: ignore[attr-defined]
        if not _is_for_overlay(app, current, error):
            return result
        app.logger.warning("Datastar: invalid signals on %s [%s]: %s", current.path, current.method, error.description)
        return app.response_class(_body(app_state, current, error), headers=SSE_HEADERS.items())

    app.handle_user_exception = show_or_handle  # type: ignore[assignment, method-assign]
    app_state.answer_exception = answer


def shows_errors(app: Flask) -> bool:
    """Whether exceptions appear in the page: in debug mode, unless somebody wants to have them raised."""
    return app.debug and not app.testing and not app.config["PROPAGATE_EXCEPTIONS"]


class SentEvents:
    """What a streamed answer has sent, for the overlay of an exception that comes after it."""

    def __init__(self) -> None:
        self._writes: deque[bytes] = deque(maxlen=_SHOWN_WRITES)
        self._count = 0

    def note(self, data: bytes) -> None:
        """Take note of what is being sent."""
        self._writes.append(data)
        self._count += 1

    def __str__(self) -> str:
        text = b"".join(self._writes).decode("utf-8", "replace")
        left_out = self._count - len(self._writes)
        return f"… {left_out} earlier writes\n{text}" if left_out else text


def sent_events(app: Flask) -> SentEvents | None:
    """Give a streamed answer its notes; None where nobody will see them."""
    return SentEvents() if shows_errors(app) else None


def late_overlay(state: RequestState, current: Request, error: Exception, sent: SentEvents | None) -> bytes:
    """Give the overlay of an exception that came after the first byte, b"" where it is not shown."""
    app = state.app_state.app
    return _overlay(current, error, sent) if _is_for_overlay(app, current, error) else b""


def _is_for_overlay(app: Flask, current: Request, error: Exception) -> bool:
    is_shown = isinstance(error, InvalidSignals) or not isinstance(error, HTTPException)
    return is_shown and shows_errors(app) and is_datastar_request(current)


def _body(app_state: AppState, current: Request, error: Exception) -> bytes:
    """Return the body of a response that is nothing but the overlay."""
    body = _overlay(current, error, None)
    if current.method == "GET":
        body += restart_block(current, app_state.settings.restart_spread_seconds, lambda: 0.0)
    return body


def _overlay(current: Request, error: Exception, sent: SentEvents | None) -> bytes:
    if isinstance(error, InvalidSignals):
        # What the page has sent is at fault, not a line of code.
        reasons = [f"{path or 'signals'}: {text}" for path, text in error.errors.items()]
        sections = [("What does not fit", "\n".join(reasons) or str(error.description))]
        sections.append(("Signals received", _signals_text(current)))
        return error_overlay(f"InvalidSignals ({current.method} {current.path})", sections).encode()
    report = traceback.TracebackException.from_exception(error, compact=True)
    sections = [("Traceback", "".join(report.format()))]
    if templates := _template_lines(error):
        sections.append(("Template", templates))
    sections.append(("Signals received", _signals_text(current)))
    sections.append(("Events sent", str(sent or "") or "none"))
    title = f"{type(error).__name__}: {report} ({current.method} {current.path})"
    return error_overlay(title, sections).encode()


def _template_lines(error: BaseException) -> str:
    """Name the lines of templates that the exception came through, the innermost last."""
    lines = []
    for frame, number in traceback.walk_tb(error.__traceback__):
        # Jinja puts such frames in the place of those of its compiled code.
        if "__jinja_exception__" in frame.f_globals:
            name = frame.f_code.co_filename
            lines.append(f"{name}, line {number}: {linecache.getline(name, number).strip()}".rstrip(": "))
    return "\n".join(lines)


def _signals_text(current: Request) -> str:
    state = state_of(current)
    try:
        received = read_signals(current, state) if state is not None else {}
    except Exception as error:
        return f"not readable: {error}"
    shown = {name: value for name, value in received.items() if name != CARRIED_TOKEN}
    return json.dumps(shown, indent=2, ensure_ascii=False)
