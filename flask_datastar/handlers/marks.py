"""Marks of methods: what a view registers as an event or a stream once its class is declared."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ..errors import SetupError
from .handler import OnInvalid, StreamOptions

_MARK = "__datastar_event__"


@dataclass(frozen=True, slots=True)
class EventOptions:
    """The options of ``@event``, or of ``@datastar.stream``, with which a method was marked."""

    name: str
    methods: Iterable[str]
    on_invalid: OnInvalid | None = None
    once: bool = True
    #: The options of a stream; None for an event.
    stream_options: StreamOptions | None = None


def mark_method(method: Callable[..., object], options: EventOptions) -> None:
    """Mark a method of a view.

    :raises SetupError: if it is already marked.
    """
    if hasattr(method, _MARK):
        raise SetupError(
            f"method {method.__qualname__} is marked as an event twice: an event has one name; remove one @event"
        )
    setattr(method, _MARK, options)


def mark_of(method: object) -> EventOptions | None:
    """Return the mark of a method, or None."""
    mark = getattr(method, _MARK, None)
    return mark if isinstance(mark, EventOptions) else None
