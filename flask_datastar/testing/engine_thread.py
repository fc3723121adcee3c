"""A thread with a large stack that runs functions, one after another."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any

from ..transport.wakeups import is_gevent

#: The client nests a level for each effect of a change, each some 9 KiB of stack: this is enough for 3,000 effects of
#: one signal, where browsers stop, too.
_STACK_BYTES = 32 * 1024 * 1024
#: Under gevent there is no such thread: greenlets run on the stack of their thread.
_SHARED_STACK_BYTES = 4 * 1024 * 1024
_LONGEST_JOIN_SECONDS = 60
_starting = threading.Lock()

#: A function, and whether somebody waits for what it returns.
_Task = tuple[Callable[[], Any], bool]
#: Whether the function has returned, and what; else its exception.
_Answer = tuple[bool, Any]


class EngineThread:
    """A thread that one other thread at a time asks for something."""

    def __init__(self) -> None:
        #: The bytes of its stack.
        self.stack_bytes = _SHARED_STACK_BYTES if is_gevent() else _STACK_BYTES
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[_Answer] = queue.SimpleQueue()
        self.thread = threading.Thread(target=_work, args=(self._tasks, self._answers), daemon=True)
        with _starting:
            before = threading.stack_size(0 if is_gevent() else self.stack_bytes)
            try:
                self.thread.start()
            finally:
                threading.stack_size(before)

    def run(self, function: Callable[[], Any], seconds: float | None = None) -> Any:
        """Run a function in the thread, and wait for it.

        :raises TimeoutError: if it takes longer. The thread is then of no more use.
        :raises BaseException: if the function raises it.
        """
        self._tasks.put((function, True))
        try:
            has_returned, result = self._answers.get(timeout=seconds)
        except queue.Empty:
            raise TimeoutError from None
        if has_returned:
            return result
        try:
            raise result
        finally:
            # The exception's frames hold this one, and so the engine.
            del result

    def start(self, function: Callable[[], object]) -> None:
        """Run a function in the thread, before all that is asked later. It must not raise."""
        self._tasks.put((function, False))

    def end(self) -> None:
        """End the thread once it has done what it does."""
        self._tasks.put(None)

    def join(self) -> None:
        """Wait until the thread has ended, unless it is the current one."""
        if threading.current_thread() is not self.thread:
            self.thread.join(_LONGEST_JOIN_SECONDS)


def _work(tasks: queue.SimpleQueue[_Task | None], answers: queue.SimpleQueue[_Answer]) -> None:
    while (task := tasks.get()) is not None:
        function, is_awaited = task
        try:
            answer = (True, function())
        except BaseException as error:
            answer = (False, error)
        if is_awaited:
            answers.put(answer)
        # Not kept until the next task: it holds the engine, and so the context.
        del task, function, answer
