"""Flask-Datastar: live pages by hypermedia, for Flask.

The browser sends its signals, and a Python handler responds with server-sent events that patch signals and elements.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from .sansio.events import Event

if TYPE_CHECKING:
    from .extension import Datastar
    from .models.signal import Signal
    from .presence.methods import Present
    from .sending.response import EventResponse
    from .streams.subscribe import Message
    from .views.starview import StarView, event

#: The signals of a request: name → JSON value.
Signals: TypeAlias = dict[str, Any]

__all__ = ["Datastar", "Event", "EventResponse", "Message", "Present", "Signal", "Signals", "StarView", "event"]

# Modules that need Flask are imported on first access, because `import flask_datastar.sse` also runs this file.
_MODULES = {
    "Datastar": "extension",
    "EventResponse": "sending.response",
    "Message": "streams.subscribe",
    "Present": "presence.methods",
    "Signal": "models.signal",
    "StarView": "views.starview",
    "event": "views.starview",
}

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        value = globals()[name] = getattr(import_module(f".{_MODULES[name]}", __name__), name)
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
