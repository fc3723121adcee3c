"""A thread with a JavaScript context, in which the document's code runs for one page after another."""

from __future__ import annotations

import atexit
import json
import os
import queue
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from typing import Any

from ..transport.wakeups import is_gevent
from .page_errors import missing_package

#: The client nests a level for each effect of a change, each some 9 KiB of stack: this is enough for 3,000 effects of
#: one signal, where browsers stop, too.
_STACK_BYTES = 32 * 1024 * 1024
#: Under gevent there is no such thread: greenlets run on the stack of their thread.
_SHARED_STACK_BYTES = 4 * 1024 * 1024
_MEMORY_BYTES = 1024 * 1024 * 1024
#: A context keeps the modules of all pages, such as the client, until it ends.
_MOST_PAGES = 10
_LONGEST_JOIN_SECONDS = 60
#: The name of a thread whose page is closed, and which the next page takes.
IDLE = "datastar-test-idle"
_starting = threading.Lock()

#: Returned to JavaScript in place of a result after an exception: exceptions must not pass through the engine.
_FAILED = "\x01"
_PREAMBLE = """
const host = (() => {
  // A text that was put together from parts does not pass before it is one, and NUL would end it.
  const flat = (value) => {
    if (typeof value !== "string") return value;
    const text = [value].join("");
    return text.includes("\\0") ? text.replaceAll("\\0", "\\ufffd") : text;
  };
  const made = {};
  for (const name of %s) {
    const call = globalThis["__host_" + name];
    delete globalThis["__host_" + name];
    // Thousands of calls make a page: most have one value or two.
    made[name] = function (one, two) {
      const count = arguments.length;
      const result = count === 1 ? call(flat(one))
        : count === 2 ? call(flat(one), flat(two)) : call(...Array.from(arguments, flat));
      if (typeof result === "string" && result[0] === "\\x01") throw new Error(result.slice(1));
      return result;
    };
  }
  return made;
})();
"""

Task = tuple[Callable[[], Any], "Future[Any]"]


class Worker:
    """One JavaScript context, which only its own thread touches.

    :param names: the names of the host's functions, the same for all pages.
    :param code: the document's code, which ends with a function ``runTab``.
    :param renewal: the code that removes a page from the context.
    """

    def __init__(self, names: Iterable[str], code: str, renewal: str) -> None:
        try:
            # Not `quickjs`, which starts a thread when it is imported.
            import _quickjs as quickjs
        except ImportError as error:
            raise missing_package("quickjs-ng") from error
        self.quickjs = quickjs
        #: The kind of pages that may take this worker, see kind_of().
        self.kind = kind_of(names, code)
        #: The functions of the current page.
        self.functions: Mapping[str, Callable[..., Any]] = {}
        #: The exceptions of the current page's functions, oldest first. JavaScript may have caught them.
        self.errors: list[BaseException] = []
        self.context: Any = None
        self._start: Any = None
        self._clean: Any = None
        self._pages = 0
        self._tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        size = _SHARED_STACK_BYTES if is_gevent() else _STACK_BYTES
        self.thread = threading.Thread(target=_work, args=(self._tasks,), daemon=True)
        with _starting:
            before = threading.stack_size(0 if is_gevent() else size)
            try:
                self.thread.start()
            finally:
                threading.stack_size(before)
        self.submit(lambda: self._open(names, code, renewal, size * 7 // 8)).result()

    def submit(self, function: Callable[[], Any]) -> Future[Any]:
        """Run a function in the worker's thread."""
        future: Future[Any] = Future()
        self._tasks.put((function, future))
        return future

    def _open(self, names: Iterable[str], code: str, renewal: str, stack_bytes: int) -> None:
        context = self.context = self.quickjs.Context()
        context.set_memory_limit(_MEMORY_BYTES)
        context.set_max_stack_size(stack_bytes)
        for name in names:
            context.add_callable(f"__host_{name}", _guarded(self, name))
        preamble = _PREAMBLE % json.dumps(sorted(names))
        context.eval(
            f'"use strict";(() => {{{preamble}{renewal}\nconst start = () => {{{code}\nglobalThis.__run = runTab;}};'
            "globalThis.__clean = clean; globalThis.__start = start;})()"
        )
        self._start, self._clean = context.get("__start"), context.get("__clean")
        context.eval("delete globalThis.__start; delete globalThis.__clean;")

    def start_page(self, functions: Mapping[str, Callable[..., Any]], errors: list[BaseException]) -> Any:
        """Run the document's code for a page, in the worker's thread; return the function that runs the tab."""
        self.functions, self.errors = functions, errors
        self._pages += 1
        self._start()
        run = self.context.get("__run")
        self.context.eval("delete globalThis.__run")
        return run

    def drain(self) -> None:
        """Run what has been put off to the next microtask."""
        while self.context.execute_pending_job():
            pass

    def retire(self) -> None:
        """Leave the worker to the next page if the context is as it was, else end it."""
        if not self._may_stay() or not self.submit(self._renew).result():
            self.end()
            self.join()
            return
        self.thread.name = IDLE
        with _starting:
            _idle.append(self)
            surplus = _idle.pop(0) if len(_idle) > 1 else None
        if surplus is not None:
            surplus.end()
            surplus.join()

    def _may_stay(self) -> bool:
        return not _is_over.is_set() and self._pages < _MOST_PAGES and threading.current_thread() is not self.thread

    def _renew(self) -> bool:
        self.drain()
        self.functions, self.errors = {}, []
        try:
            return bool(self._clean())
        except self.quickjs.JSException:
            return False

    def end(self) -> None:
        """Drop the context, and end the thread once it has done what it does."""

        def drop() -> None:
            self.context = self._start = self._clean = None
            self.functions = {}

        self._tasks.put((drop, Future()))
        self._tasks.put(None)

    def join(self) -> None:
        """Wait until the thread has ended, unless it is the current one."""
        if threading.current_thread() is not self.thread:
            self.thread.join(_LONGEST_JOIN_SECONDS)


_idle: list[Worker] = []
_is_over = threading.Event()


def kind_of(names: Iterable[str], code: str) -> tuple[object, ...]:
    """Return what two pages must have in common to run in the same context: also the process, and its threads."""
    return (os.getpid(), is_gevent(), tuple(sorted(names)), code)


def take_idle(kind: tuple[object, ...]) -> Worker | None:
    """Take a worker of a kind whose page is closed; return None if no such worker waits."""
    with _starting:
        for worker in _idle:
            if worker.kind == kind:
                _idle.remove(worker)
                return worker
    return None


def end_idle() -> None:
    """End the workers that wait for a page."""
    with _starting:
        left = [worker for worker in _idle if worker.kind[0] == os.getpid()]
        _idle.clear()
    for worker in left:
        worker.end()
        worker.join()


@atexit.register
def _end() -> None:
    """End idle workers before the interpreter does: a context must not be freed in another thread than its own."""
    _is_over.set()
    end_idle()


def _guarded(worker: Worker, name: str) -> Callable[..., Any]:
    def call(*values: Any) -> Any:
        try:
            return worker.functions[name](*values)
        except BaseException as error:
            worker.errors.append(error)
            return f"{_FAILED}{type(error).__name__}: {error}"

    return call


def _work(tasks: queue.SimpleQueue[Task | None]) -> None:
    while (task := tasks.get()) is not None:
        function, future = task
        try:
            future.set_result(function())
        except BaseException as error:
            future.set_exception(error)
        # Not kept until the next task: it holds the engine, and so the context.
        del task, function, future
