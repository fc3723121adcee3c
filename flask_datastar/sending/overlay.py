"""Errors you can see: in debug mode an exception appears in the page that asked, with its traceback.

So do invalid signals, whose text would stand in a 400 that nobody reads. For other exceptions it stands around the
app's ``wsgi_app``, outside of everything that Flask does about an exception: error handlers,
``got_request_exception`` and teardown functions have had it by then.
"""

from __future__ import annotations

import json
import linecache
import logging
import traceback
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask, Request, request
from werkzeug.exceptions import HTTPException

from ..errors import InvalidSignals
from ..reading.signals import is_datastar_request, read_last_event_id, read_signals
from ..sansio.consts import CARRIED_TOKEN, SSE_HEADERS
from ..sansio.endings import Ending, Reason, ending_block, parse_ending, restart_delay_ms
from ..sansio.error_overlay import error_overlay
from ..sansio.stream_events import stream_ending
from ..sansio.tracebacks import own_frames
from ..state.app import AppState
from ..state.request import RequestState, state_of

#: How many of the last writes of a streamed answer are shown.
_SHOWN_WRITES = 20

_FAILED_REQUEST = "flask_datastar.failed_request"


def install_overlay(app_state: AppState) -> None:
    """Answer Datastar requests that end with an exception, in debug mode."""
    app = app_state.app
    inner = app.wsgi_app

    def keep_failed_request(error: BaseException | None) -> None:
        # Flask drops it when its context ends.
        if error is not None and shows_errors(app):
            request.environ[_FAILED_REQUEST] = request._get_current_object()  # type: ignore[attr-defined]

    def wsgi_app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        try:
            return inner(environ, start_response)
        except Exception as error:
            current = environ.pop(_FAILED_REQUEST, None)
            if current is None or not _is_for_overlay(app, current, error):
                raise
            # Flask logs what it answers itself, and leaves to the server what it does not.
            app.logger.error("Exception on %s [%s]", current.path, current.method, exc_info=error)
            body = _overlay(current, error, None)
            if current.method == "GET":
                body += _wait_before_return(current, app_state.settings.restart_spread_seconds)
            headers = [*SSE_HEADERS.items(), ("Content-Length", str(len(body)))]
            start_response("200 OK", headers)
            return [body]

    _show_invalid_signals(app_state)
    app.teardown_request(keep_failed_request)
    app.wsgi_app = wsgi_app  # type: ignore[method-assign]


def _show_invalid_signals(app_state: AppState) -> None:
    """Log invalid signals that no error handler takes, and show them in debug mode."""
    app = app_state.app
    handle: Callable[..., Any] = app.handle_http_exception

    def show_or_handle(*arguments: Any) -> Any:
        answer, error = handle(*arguments), arguments[-1]
        # Flask gives the exception itself back when nobody has an answer to it.
        if answer is not error or not isinstance(error, InvalidSignals):
            return answer
        current = request._get_current_object()  # type: ignore[attr-defined]
        level = logging.WARNING if app.debug else logging.INFO
        app.logger.log(level, "Datastar: %s %s: %s", current.method, current.path, error.description)
        if not _is_for_overlay(app, current, error):
            return answer
        body = _overlay(current, error, None)
        if current.method == "GET":
            body += _wait_before_return(current, app_state.settings.restart_spread_seconds)
        return app.response_class(body, headers=dict(SSE_HEADERS))

    app.handle_http_exception = show_or_handle  # type: ignore[assignment, method-assign]


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
    is_answer = isinstance(error, HTTPException) and not isinstance(error, InvalidSignals)
    return shows_errors(app) and is_datastar_request(current) and not is_answer


def _overlay(current: Request, error: Exception, sent: SentEvents | None) -> bytes:
    report = traceback.TracebackException.from_exception(error, compact=True)
    whole = "".join(report.format())
    own = _own_text(current, report, error)
    sections = [own] if own else [("Traceback", whole)]
    if templates := _template_lines(error):
        sections.append(("Template", templates))
    sections.append(("Signals received", _signals_text(current)))
    sections.append(("Events sent", str(sent or "") or "none"))
    title = f"{type(error).__name__}: {report} ({current.method} {current.path})"
    return error_overlay(title, sections, [("Traceback with the frames of libraries", whole)] if own else ()).encode()


def _own_text(current: Request, report: traceback.TracebackException, error: Exception) -> tuple[str, str] | None:
    """Give what a developer wants to see first; None when that is the whole traceback."""
    if isinstance(error, InvalidSignals):
        return "Invalid signals", "\n".join(f"{path}: {text}" for path, text in error.errors.items()) or str(report)
    state = state_of(current)
    own = own_frames(report, (state.app_state.app.root_path,) if state is not None else ())
    return ("Your frames", own) if own else None


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


def _wait_before_return(current: Request, spread_seconds: float) -> bytes:
    """Let the page of a stream that cannot be opened come back later and later: its client asks again after a 200."""
    before = parse_ending(current.headers.get("Last-Event-ID"))
    failures = (before.failures if before is not None else 0) + 1
    ending = Ending(Reason.RESTART, failures=failures, last_id=read_last_event_id(current) or "")
    retry_ms = restart_delay_ms(failures, spread_seconds, lambda: 0.0)
    return stream_ending("failed", retry_ms) + ending_block(ending, retry_ms)
