"""Renderings of regions, captured while a test runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flask import Flask

from ..hooks import region_rendered


@dataclass(frozen=True, slots=True)
class Render:
    """One rendering of a region for the streams that follow it."""

    #: The region's key, ``<group>:<name>``.
    region: str
    #: The region's arguments as text, by name.
    arguments: Mapping[str, str]
    #: Why it was rendered, such as ``"first time"``, ``"card written"`` or ``"changed()"``.
    reason: str
    #: The time that the rendering took.
    seconds: float
    #: The number of streams whose pages show the view.
    viewers: int
    #: Whether the HTML differs from what the pages had.
    has_changed: bool
    #: The region's exception; None if it did not fail.
    error: Exception | None


@contextmanager
def capture_renders(app: Flask) -> Iterator[list[Render]]:
    """Capture the renderings of an app's regions for streams, in the order in which they end.

    A page that is loaded renders its regions for itself: that is not captured.

    :return: a context manager with the list, which grows until the block ends.
    """
    found: list[Render] = []

    def note(sender: Flask, *, holders: set[str], **details: Any) -> None:
        found.append(Render(**details))

    with region_rendered.connected_to(note, app):
        yield found
