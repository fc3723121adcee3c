"""Detached rendering, which runs without a request because its HTML is for several pages.

Such code still has a place: its URLs are below one mount, and the names of its actions are looked up around the code
that is rendered.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Detached:
    """The place of detached rendering."""

    #: The name of the rendered code, for errors.
    title: str
    #: The group and the module in which the names of actions are looked up first.
    group: str
    module: str
    #: The path that the app is mounted at, without a slash at the end.
    root_path: str
    #: The name of the blueprint's registration whose handlers the code uses, if a blueprint is registered twice.
    blueprint: str | None = None


_current: ContextVar[Detached | None] = ContextVar("flask_datastar.detached", default=None)


def find_detached() -> Detached | None:
    """Return the place of the current detached rendering; None in a request and in any other code."""
    return _current.get()


@contextmanager
def rendering_detached(place: Detached) -> Iterator[None]:
    """Mark the code inside the ``with`` block as detached rendering."""
    token = _current.set(place)
    try:
        yield
    finally:
        _current.reset(token)
