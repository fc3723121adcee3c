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

#: Whether a function has returned, and what; else its exception.
_Answer = tuple[bool, Any]
#: A function, and where its answer goes; None if nobody waits for it. Each has a queue of its own: a wait may be broken
#: off, by Ctrl-C or a time limit of the test, and the answer must not be taken for the next one.
_Task = tuple[Callable[[], Any], "queue.SimpleQueue[_Answer] | None"]


class EngineThread:
    """A thread that runs functions for other threads, in the order in which they ask."""

    def __init__(self) -> None:
        #: The bytes of its stack.
        self.stack_bytes = _SHARED_STACK_BYTES if is_gevent() else _STACK_BYTES
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self.thread = threading.Thread(target=_work, args=(self._tasks,), daemon=True)
        with _starting:
            before = threading.stack_size(0 if is_gevent() else self.stack_bytes)
            try:
                self.thread.start()
            finally:
                threading.stack_size(before)

    def run(self, function: Callable[[], Any], seconds: float | None = None) -> Any:
        """Run a function in the thread, and wait for it.

        :raises TimeoutError: if it takes longer. The function goes on.
        :raises BaseException: if the function raises it.
        """
        answers: queue.SimpleQueue[_Answer] = queue.SimpleQueue()
        self._tasks.put((function, answers))
        try:
            has_returned, result = answers.get(timeout=seconds)
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
        self._tasks.put((function, None))

    def end(self) -> None:
        """End the thread once it has done what it does."""
        self._tasks.put(None)

    def join(self) -> None:
        """Wait until the thread has ended, unless it is the current one."""
        if threading.current_thread() is not self.thread:
            self.thread.join(_LONGEST_JOIN_SECONDS)


def _work(tasks: queue.SimpleQueue[_Task | None]) -> None:
    while (task := tasks.get()) is not None:
        function, answers = task
        try:
            answer = (True, function())
        except BaseException as error:
            answer = (False, error)
        if answers is not None:
            answers.put(answer)
        # Not kept until the next task: it holds the engine, and so the context.
        del task, function, answers, answer
