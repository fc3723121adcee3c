"""Event loops of greenlets in which a stream cannot wait, or would block all other requests."""

from __future__ import annotations

import sys
from enum import Enum

from .wakeups import is_gevent

# Whether patches were found. Patches stay, so they are not looked for again.
_is_patched = False


class EventLoop(Enum):
    """A library whose greenlets serve requests."""

    GEVENT = "gevent"
    EVENTLET = "eventlet"


def find_blocked_loop() -> EventLoop | None:
    """Find the event loop on which streams cannot wait; called by the greenlet that serves the request.

    The call is cheap, for each opening of a stream.

    :return: gevent, if locks and sleeps are not patched; eventlet in any case; None for threads, and for gevent with
        its patches.
    """
    if not _is_patched and (gevent := sys.modules.get("gevent._hub_local")) is not None:
        hub = gevent.get_hub_if_exists()
        if hub is not None and _runs_below(hub) and not _find_patches():
            return EventLoop.GEVENT
    eventlet = sys.modules.get("eventlet.hubs")
    if eventlet is not None:
        hub = getattr(eventlet._threadlocal, "hub", None)
        if hub is not None and _runs_below(hub.greenlet):
            return EventLoop.EVENTLET
    return None


def _find_patches() -> bool:
    """Return whether gevent has patched all that streams wait by."""
    global _is_patched
    # A lock that another greenlet holds is waited for by time.sleep().
    _is_patched = is_gevent() and bool(sys.modules["gevent.monkey"].is_module_patched("time"))
    return _is_patched


def _runs_below(hub: object) -> bool:
    """Return whether a greenlet of a hub runs now, as opposed to the thread's own."""
    current = sys.modules["greenlet"].getcurrent()
    while current is not None:
        if current is hub:
            return True
        current = current.parent
    return False
