"""Flask-Datastar: live pages by hypermedia, for Flask.

The browser sends its signals, a Python handler answers with server-sent events that patch signals and elements.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from .extension import Datastar
from .response import EventResponse
from .sansio.events import Event

#: The signals of a request: name → JSON value.
Signals: TypeAlias = dict[str, Any]

__all__ = ["Datastar", "Event", "EventResponse", "Signals"]
