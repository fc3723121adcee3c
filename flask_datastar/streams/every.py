"""Wait points: where a stream waits for time or for messages, sends keep-alives, and learns that it is to end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from math import isfinite
from typing import Any

from ..errors import SetupError
from ..hub.stream import Stream
from ..state.request import current_request_state


class Ticks:
    """What ``datastar.every()`` gives: a tick at once, then one each period; missed ones are dropped."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._next: float | None = None

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        """Wait for the next tick.

        :return: its number, from 0; missed ones are counted.
        """
        now = time.monotonic()
        if self._next is None:
            current_stream()
            self._start, self._next = now, now + self._seconds
            return 0
        wait(lambda: False, self._next)
        number = int((time.monotonic() - self._start) / self._seconds + 1e-6)
        self._next = self._start + (number + 1) * self._seconds
        return number


def check_seconds(seconds: float, what: str, *, or_zero: bool = False) -> float:
    """Refuse what is no time to wait.

    :param what: the argument's name, for the error.
    :raises ValueError: it is not above 0, or not finite.
    :raises TypeError: it is no number.
    """
    accepted = "numbers above 0" if not or_zero else "0 and numbers above it"
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise TypeError(f"{what} is {seconds!r}; accepted: {accepted}, in seconds")
    if not (seconds > 0 or (or_zero and seconds == 0)) or not isfinite(seconds):
        raise ValueError(f"{what} is {seconds!r}; accepted: {accepted}, in seconds")
    return seconds


def wait(
    is_ready: Callable[[], bool], deadline: float | None, ready_at: Callable[[], float | None] | None = None
) -> bool:
    """Wait inside the running generator's stream.

    :param is_ready: asked each time the stream is woken.
    :param deadline: ``time.monotonic()``; None to wait for ever.
    :param ready_at: gives a time at which ``is_ready`` is to be asked again, None for none.
    :return: whether it is ready; False at the deadline.
    :raises SetupError: no stream is running.
    """
    return bool(_current_body().wait(is_ready, deadline, ready_at))


def current_stream() -> Stream:
    """Give the stream whose generator is running.

    :raises SetupError: no stream is running.
    """
    stream: Stream = _current_body().stream
    return stream


def _current_body() -> Any:
    body = current_request_state().stream
    if body is None:
        raise SetupError("a wait point was reached outside of a stream; use it in a function under @datastar.stream")
    return body
