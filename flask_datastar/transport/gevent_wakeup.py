"""The wake-up of a greenlet, imported only where gevent runs.

gevent's own ``Event`` would do the same, but needs a kilobyte more for each waiting stream: its greenlet switches away
through more frames, and gevent keeps their stack in the meantime.
"""

from __future__ import annotations

from typing import Any

from gevent import get_hub, getcurrent
from gevent.monkey import get_original

_native_ident = get_original("_thread", "get_ident")


class GreenletWakeup:
    """A flag for which one greenlet waits. Any greenlet or native thread may set it."""

    __slots__ = ("_greenlet", "_hub", "_is_set")

    def __init__(self) -> None:
        self._is_set = False
        #: The waiting greenlet, and the hub that switches to it.
        self._greenlet: Any = None
        self._hub: Any = None

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the flag is set; may return earlier.

        :param timeout: the longest wait in seconds; None waits forever.
        :return: whether the flag is set.
        """
        timer = None
        hub = self._hub = get_hub()
        # The greenlet is stored before the flag is read, so that a native thread can wake it in between.
        self._greenlet = getcurrent()
        try:
            if not self._is_set and (timeout is None or timeout > 0):
                if timeout is not None:
                    timer = hub.loop.timer(timeout)
                    timer.start(self._resume)
                hub.switch()
        finally:
            self._greenlet = None
            if timer is not None:
                timer.stop()
                timer.close()
        return self._is_set

    def set(self) -> None:
        """Set the flag: wake the waiting greenlet and make later waits return at once."""
        if self._is_set:
            return
        self._is_set = True
        if self._greenlet is not None:
            hub = self._hub
            if hub.thread_ident == _native_ident():
                hub.loop.run_callback(self._resume)
            else:
                hub.loop.run_callback_threadsafe(self._resume)

    def clear(self) -> None:
        """Clear the flag, so that later waits block again."""
        self._is_set = False

    def _resume(self) -> None:
        # After a kill or a timeout the greenlet may already wait for something else, which must not be interrupted.
        greenlet, self._greenlet = self._greenlet, None
        if greenlet is not None:
            greenlet.switch()
