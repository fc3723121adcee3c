"""A body that one thread produces and another one reads, piece by piece: only one of the two runs at a time."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from contextvars import copy_context
from typing import Any

_END = object()
#: How long a thread may take to end that did not give anything in time either.
_STUCK_SECONDS = 0.5


class Handover:
    """Runs a function in a thread of its own, which hands over one item after another.

    The thread goes on when the next item is asked for, as the body of a response whose client reads slowly. So a test
    sees each step before the next is made.

    :param at_end: called in the thread when it ends, however long that takes.
    """

    def __init__(self, produce: Callable[[Handover], object], at_end: Callable[[], object]) -> None:
        self._produce = produce
        self._at_end = at_end
        self._items: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._turn = threading.Semaphore(0)
        self._has_turn = True
        #: Whether nobody reads any more.
        self.is_closing = False
        self._is_late = False
        # With the context variables of the caller, whatever a test has set there.
        self._thread = threading.Thread(
            target=copy_context().run, args=(self._run,), name="datastar-test-tab", daemon=True
        )

    def start(self) -> None:
        """Start the thread, which runs to its first item."""
        self._thread.start()

    def put(self, item: object) -> None:
        """Hand an item over, and wait until the next one is asked for. Called in the thread.

        :raises BrokenPipeError: if there is nobody to read it any more.
        """
        if not self.is_closing:
            self._items.put(item)
            self._turn.acquire()
        if self.is_closing:
            raise BrokenPipeError("the test has closed the response")

    def take(self, deadline: float) -> Any:
        """Return the next item; None at the end.

        :param deadline: as :func:`time.monotonic` counts.
        :raises TimeoutError: if no item comes in time.
        :raises BaseException: if the thread ended with it.
        """
        if not self._has_turn:
            self._has_turn = True
            self._turn.release()
        try:
            item = self._items.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            self._is_late = True
            raise TimeoutError from None
        if item is _END:
            self._items.put(_END)
            return None
        if isinstance(item, BaseException):
            self._items.put(_END)
            raise item
        self._has_turn = False
        return item

    def close(self, seconds: float) -> bool:
        """End the thread: it gets an error at its next item.

        :param seconds: how long it may take.
        :return: False if it has not ended.
        """
        self.is_closing = True
        self._turn.release()
        if self._thread.ident is not None:
            self._thread.join(_STUCK_SECONDS if self._is_late else seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._produce(self)
        except BaseException as error:
            self._items.put(error)
        finally:
            self._at_end()
        self._items.put(_END)
