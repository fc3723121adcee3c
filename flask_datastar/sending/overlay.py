"""The error overlay: in debug mode an exception appears, with its traceback, in the page that sent the request.

So do invalid signals, whose text would otherwise stand in a 400 that nobody reads. Other exceptions are caught around
the app's ``wsgi_app``, outside everything that Flask does about an exception: error handlers,
``got_request_exception`` and teardown functions have had it by then.
"""

from __future__ import annotations

import json
import linecache
import logging
import traceback
from collections import deque
from collections.abc import Callable
from typing import Any

from flask import Flask, Request, Response, request
from werkzeug.exceptions import HTTPException

from ..errors import InvalidSignals
from ..reading.signals import is_datastar_request, read_signals
from ..sansio.consts import CARRIED_TOKEN, SSE_HEADERS, TESTED_PAGE_KEY
from ..sansio.error_overlay import error_overlay
from ..sansio.tracebacks import own_frames
from ..state.app import AppState
from ..state.request import RequestState, request_state_of
from .restarts import restart_block

#: The number of a streamed response's last writes that are shown.
_SHOWN_WRITES = 20


def install_overlay(app_state: AppState) -> None:
    """Show the overlay, in debug mode, for Datastar requests that end with an exception."""
    app = app_state.app

    def answer(current: Request, error: Exception) -> Response | None:
        if not _is_for_overlay(app, current, error):
            return None
        # Flask leaves logging to the server if an exception leaves the app.
        app.logger.error("Exception on %s [%s]", current.path, current.method, exc_info=error)
        return Response(_body(app_state, current, error), headers=dict(SSE_HEADERS))

    _show_invalid_signals(app_state)
    app_state.answer_exception = answer


def _show_invalid_signals(app_state: AppState) -> None:
    """Log invalid signals that no error handler takes, and show them in debug mode."""
    app = app_state.app
    handle: Callable[..., Any] = app.handle_http_exception

    def show_or_handle(*arguments: Any) -> Any:
        answer, error = handle(*arguments), arguments[-1]
        # Flask returns the exception itself if no error handler takes it.
        if answer is not error or not isinstance(error, InvalidSignals):
            return answer
        current = request._get_current_object()  # type: ignore[attr-defined]
        level = logging.WARNING if app.debug else logging.INFO
        app.logger.log(level, "Datastar: %s %s: %s", current.method, current.path, error.description)
        if not _is_for_overlay(app, current, error):
            return answer
        return app.response_class(_body(app_state, current, error), headers=dict(SSE_HEADERS))

    app.handle_http_exception = show_or_handle  # type: ignore[assignment, method-assign]


def shows_errors(app: Flask) -> bool:
    """Return whether exceptions appear in the page: in debug mode, unless they are to be raised, as in tests."""
    return app.debug and not app.testing and not app.config["PROPAGATE_EXCEPTIONS"]


class SentEvents:
    """The last writes of a streamed response, for the overlay of an exception that comes after them."""

    def __init__(self) -> None:
        self._writes: deque[bytes] = deque(maxlen=_SHOWN_WRITES)
        self._count = 0

    def note(self, data: bytes) -> None:
        """Record bytes that are being sent."""
        self._writes.append(data)
        self._count += 1

    def __str__(self) -> str:
        text = b"".join(self._writes).decode("utf-8", "replace")
        left_out = self._count - len(self._writes)
        return f"… {left_out} earlier writes\n{text}" if left_out else text


def sent_events(app: Flask) -> SentEvents | None:
    """Create the record of a streamed response's writes; return None where no overlay would show it."""
    return SentEvents() if shows_errors(app) else None


def late_overlay(state: RequestState, current: Request, error: Exception, sent: SentEvents | None) -> bytes:
    """Return the overlay of an exception that came after the first byte, b"" where it is not shown."""
    app = state.app_state.app
    return _overlay(current, error, sent) if _is_for_overlay(app, current, error) else b""


def _is_for_overlay(app: Flask, current: Request, error: Exception) -> bool:
    is_answer = isinstance(error, HTTPException) and not isinstance(error, InvalidSignals)
    # In the page of a test nobody would read it, and the test would pass.
    is_seen = is_datastar_request(current) and TESTED_PAGE_KEY not in current.environ
    return shows_errors(app) and is_seen and not is_answer


def _body(app_state: AppState, current: Request, error: Exception) -> bytes:
    """Return the body of a response that consists of the overlay."""
    body = _overlay(current, error, None)
    if current.method == "GET":
        body += restart_block(current, app_state.settings.restart_spread_seconds, lambda: 0.0)
    return body


def _overlay(current: Request, error: Exception, sent: SentEvents | None) -> bytes:
    report = traceback.TracebackException.from_exception(error, compact=True)
    further = [("Signals received", _signals_text(current)), ("Events sent", str(sent or "") or "none")]
    return _write(error, report, f"{current.method} {current.path}", _own_text(current, report, error), further)


def failure_overlay(app: Flask, title: str, error: Exception) -> bytes | None:
    """Return the overlay of an exception that belongs to no request; None where exceptions do not appear in pages.

    :param title: the name of the code that has failed.
    """
    if not shows_errors(app):
        return None
    report = traceback.TracebackException.from_exception(error, compact=True)
    own = own_frames(report, (app.root_path,))
    return _write(error, report, title, ("Your frames", own) if own else None, [])


def _write(
    error: Exception,
    report: traceback.TracebackException,
    title: str,
    own: tuple[str, str] | None,
    further: list[tuple[str, str]],
) -> bytes:
    """Write an overlay.

    :param own: title and text of the section that comes first; None for the whole traceback.
    :param further: the sections after the traceback and the template's lines.
    """
    whole = "".join(report.format())
    sections = [own] if own else [("Traceback", whole)]
    if templates := _template_lines(error):
        sections.append(("Template", templates))
    folded = [("Traceback with the frames of libraries", whole)] if own else ()
    return error_overlay(f"{type(error).__name__}: {report} ({title})", sections + further, folded).encode()


def _own_text(current: Request, report: traceback.TracebackException, error: Exception) -> tuple[str, str] | None:
    """Return title and text of what a developer needs first; None if that is the whole traceback."""
    if isinstance(error, InvalidSignals):
        return "Invalid signals", "\n".join(f"{path}: {text}" for path, text in error.errors.items()) or str(report)
    state = request_state_of(current)
    own = own_frames(report, (state.app_state.app.root_path,) if state is not None else ())
    return ("Your frames", own) if own else None


def _template_lines(error: BaseException) -> str:
    """Return the lines of templates that the exception came through, the innermost last."""
    lines = []
    for frame, number in traceback.walk_tb(error.__traceback__):
        # Jinja puts such frames in the place of those of its compiled code.
        if "__jinja_exception__" in frame.f_globals:
            name = frame.f_code.co_filename
            lines.append(f"{name}, line {number}: {linecache.getline(name, number).strip()}".rstrip(": "))
    return "\n".join(lines)


def _signals_text(current: Request) -> str:
    state = request_state_of(current)
    try:
        received = read_signals(current, state) if state is not None else {}
    except Exception as error:
        return f"not readable: {error}"
    shown = {name: value for name, value in received.items() if name != CARRIED_TOKEN}
    return json.dumps(shown, indent=2, ensure_ascii=False)
