"""The end of a click's request: its answer counts once nothing can fail any more.

Teardown functions may commit, and Flask calls them after the response has started. If one of them fails, nothing was
written: the click must not count as done. If one finds that the click ran earlier, another response goes out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextvars import Context
from typing import Any, Final

from ..sansio.consts import CLICK_KEY

#: The key in the environ of a request that may run a click: a list, for the click, for the exception that ended the
#: request, and for the response that goes out instead of the request's own; None for none.
CLICK_END: Final = "flask_datastar.click_end"
#: The text in the query string of a request that may run a click.
KEY_START: Final = f"{CLICK_KEY}="


def run_click(
    own: Context,
    app: Callable[..., Iterable[bytes]],
    environ: dict[str, Any],
    start_response: Callable[..., Any],
    *,
    has_table: bool,
) -> Iterable[bytes]:
    """Call the app for a request that may run a click, and end the click.

    :param own: the context to call it in.
    :param has_table: whether a commit can find that the click ran earlier.
    :return: the body.
    """
    # An app that calls this one with its own request has a click of its own.
    outer, ended = environ.get(CLICK_END), []  # type: ignore[var-annotated]
    environ[CLICK_END] = ended
    start = _DelayedStart(start_response) if has_table and environ["REQUEST_METHOD"] != "GET" else None
    is_torn_down = False
    try:
        body = own.run(app, environ, start_response if start is None else start)
        is_torn_down = True
    except BaseException:
        if not ended or ended[2] is None:
            raise
        return ended[2](environ, start_response)  # type: ignore[no-any-return]
    finally:
        # A body that goes on ends its click by itself.
        environ[CLICK_END] = outer
        if ended:
            ended[0].end(ended[1], is_torn_down=is_torn_down)
    if start is not None:
        start.send()
    return body


class _DelayedStart:
    """The function that starts a response, which may still be another one."""

    __slots__ = ("_is_sent", "_start", "_start_response", "_write_on")

    def __init__(self, start_response: Callable[..., Any]) -> None:
        self._start_response = start_response
        self._start: tuple[Any, ...] | None = None
        self._is_sent = False
        self._write_on: Callable[[bytes], object] | None = None

    def __call__(self, *start: Any) -> Callable[[bytes], object]:
        self._start = start
        if self._is_sent:
            # Middleware inside of the app has waited for the first part of the body.
            self.send()
        return self._write

    def send(self) -> None:
        """Start the response, if it is there."""
        start, self._start, self._is_sent = self._start, None, True
        if start is not None:
            self._write_on = self._start_response(*start)

    def _write(self, data: bytes) -> None:
        self.send()
        assert self._write_on is not None
        self._write_on(data)
