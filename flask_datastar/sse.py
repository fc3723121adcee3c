"""Events without an application: each function checks its arguments and returns a frozen :class:`Event`.

``event.encode()`` returns the exact bytes of an event. This module imports no Flask.
"""

from __future__ import annotations

from .sansio.consts import SSE_HEADERS, EventType, Namespace, PatchMode
from .sansio.elements import patch_elements, remove_elements
from .sansio.events import Event, raw
from .sansio.parser import EventParser, parse_events
from .sansio.scripts import console_log, dispatch_event, execute_script, push_url, redirect, replace_url
from .sansio.signals import patch_signals, patch_signals_raw, remove_signals

__all__ = [
    "SSE_HEADERS",
    "Event",
    "EventParser",
    "EventType",
    "Namespace",
    "PatchMode",
    "console_log",
    "dispatch_event",
    "execute_script",
    "parse_events",
    "patch_elements",
    "patch_signals",
    "patch_signals_raw",
    "push_url",
    "raw",
    "redirect",
    "remove_elements",
    "remove_signals",
    "replace_url",
]
