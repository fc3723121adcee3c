"""The part of ``Datastar`` for clicks that run once: the decorator of plain views."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, overload

from flask import current_app, request

from ..errors import SetupError
from ..security.origin import SAFE_METHODS
from ..state.request import current_request_state
from .running import answer_has_run, claim, fail
from .table import HasRun

F = TypeVar("F", bound=Callable[..., Any])


class RepeatMethods:
    """The methods of ``Datastar`` for clicks that run once."""

    # At run time, typing would keep the overloads, and with them Flask, until typing itself is torn down.
    if TYPE_CHECKING:

        @overload
        def once(self, function: F, /) -> F: ...
        @overload
        def once(self, /) -> Callable[[F], F]: ...

    def once(self, function: Callable[..., Any] | None = None, /) -> Any:
        """Run a plain view once a click, as handlers are run: its repeats get the first response again.

        For a Flask view that an action calls by its URL, as in ``datastar.post(url_for("pay"))``. Write it below the
        route, and below decorators that decide who may call the view. A request without a click's key runs as usual.

        :param function: the view function.
        :return: the function that runs it.
        :raises SetupError: if it is not a function.
        """
        if function is None:
            return self.once
        if not callable(function) or isinstance(function, type):
            raise SetupError(f"@datastar.once decorates a view function, not {function!r}; write it below the route")

        @wraps(function)
        def run(*args: Any, **url_values: Any) -> Any:
            state = current_request_state(self)
            current = request._get_current_object()  # type: ignore[attr-defined]
            call = current_app.ensure_sync(function)
            if state.click_key is None or state.claim is not None or current.method in SAFE_METHODS:
                return call(*args, **url_values)
            repeat = claim(state, current, str(current.endpoint))
            if repeat is not None:
                return repeat
            try:
                return call(*args, **url_values)
            except HasRun:
                return answer_has_run(state)
            except BaseException as error:
                repeat = fail(state, error) if state.claim is not None else None
                if repeat is not None:
                    return repeat
                raise

        return run
