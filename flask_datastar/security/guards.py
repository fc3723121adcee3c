"""The guards of an endpoint, asked without running what they guard.

A request whose session has ended fails the check of its CSRF token before any guard has its turn, so nobody would be
sent to the login page. The guards that can be asked by themselves are asked here: functions before the request, and
Flask-Login's decorators. The guarded function is never called, because the request has no valid token.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

from flask import Flask, Request
from flask.typing import BeforeRequestCallable

#: Attribute of a view function with the function in which guards are looked for, where that is another one.
GUARDED = "_datastar_guarded"

_DECORATORS = ("login_required", "fresh_login_required")


def ask_guards(app: Flask, request: Request, error: BaseException) -> Any:
    """Return the response of the guards to a request that failed the check of its token.

    :param error: what the check raised.
    :return: the value of the first guard that refuses the request, None if every guard lets it pass.
    :raises werkzeug.exceptions.HTTPException: if a guard aborts.
    """
    for function in _left_before_request(app, request, error):
        answer = app.ensure_sync(function)()
        if answer is not None:
            return answer
    view = app.view_functions.get(request.endpoint or "")
    return _ask_decorators(app, getattr(view, GUARDED, view))


def _left_before_request(app: Flask, request: Request, error: BaseException) -> list[BeforeRequestCallable]:
    """List the functions before the request that come after the one that checked the token; in Flask's order."""
    functions = [
        function
        for name in (None, *reversed(request.blueprints))
        for function in app.before_request_funcs.get(name, ())
    ]
    codes = set(_codes(error.__traceback__))
    for index, function in enumerate(functions):
        if getattr(function, "__code__", None) in codes:
            return functions[index + 1 :]
    # A view made the check itself: all of them have had their turn.
    return []


def _codes(traceback: TracebackType | None) -> Iterator[object]:
    while traceback is not None:
        yield traceback.tb_frame.f_code
        traceback = traceback.tb_next


def _ask_decorators(app: Flask, function: object) -> Any:
    """Ask Flask-Login's decorators around a function, the outermost first."""
    flask_login = sys.modules.get("flask_login")
    if flask_login is None:
        return None
    passed = object()

    def stop() -> object:
        return passed

    # The decorators' own code, around a function that does nothing, tells them apart and answers.
    guards = [getattr(flask_login, name)(stop) for name in _DECORATORS]
    for layer in _layers(function):
        for guard in guards:
            if getattr(layer, "__code__", None) is guard.__code__:
                answer = app.ensure_sync(guard)()
                if answer is not passed:
                    return answer
    return None


def _layers(function: object) -> Iterator[Callable[..., Any]]:
    """Walk from a decorated function to the innermost one."""
    seen: set[int] = set()
    while callable(function) and id(function) not in seen:
        seen.add(id(function))
        yield function
        function = getattr(function, "__wrapped__", None)
