"""Rendering that is detached from a request: the HTML is for several pages, or for a page that asks later.

Such code runs without a request, but not without a place: URLs are below one mount, and the names of actions are looked
for around the code that is rendered.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Detached:
    """The place of detached rendering."""

    #: Names what is rendered, for errors.
    title: str
    #: The group and the module around which the names of actions are looked for.
    group: str
    module: str
    #: The path that the app is mounted at, without a slash at the end.
    root_path: str


_current: ContextVar[Detached | None] = ContextVar("flask_datastar.detached", default=None)


def find_detached() -> Detached | None:
    """Return the place of the detached rendering that runs now; None in a request, and anywhere else."""
    return _current.get()


@contextmanager
def rendering_detached(place: Detached) -> Iterator[None]:
    """Mark the code inside the ``with`` block as detached rendering."""
    token = _current.set(place)
    try:
        yield
    finally:
        _current.reset(token)
