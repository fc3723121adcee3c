"""A JavaScript context in a thread of its own, in which the document's code runs for one page after another."""

from __future__ import annotations

import atexit
import json
import os
import re
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from ..transport.wakeups import is_gevent
from .engine_thread import EngineThread
from .page_errors import missing_package

_MEMORY_BYTES = 1024 * 1024 * 1024
#: A context keeps the modules of all pages until it ends.
_MOST_MODULES = 10
_MOST_PAGES = 200
#: The name of a thread whose page is closed, and which the next page takes.
IDLE = "datastar-test-idle"
_idle: list[Worker] = []
_idling = threading.Lock()
_is_over = threading.Event()

#: Returned to JavaScript in place of a result after an exception: exceptions must not pass through the engine.
_FAILED = "\x01"
#: The end of the client's file: its only statement that a function cannot have.
_EXPORTS = re.compile(r"export\s*\{[\w\s,$]*\}\s*;?(?=\s*(?://[^\n]*\s*)*\Z)")
#: The same without exports, as a function that returns the promise of the module. The engine reads what stands between
#: parentheses twice, because it may be the parameters of a function: here and below, long texts do not.
_FUNCTION = '0 || async function () { "use strict"; %s\n}'
_CONTEXT = """
"use strict";
void function () {
%s
globalThis.__clean = clean;
globalThis.__start = function (names) {
provide(JSON.parse(names));
%s
globalThis.__run = runTab;
};
}();
"""


class Worker:
    """One JavaScript context, which only its own thread touches.

    :param lasting: the code that is run once. It has the functions ``provide`` and ``clean``.
    :param code: the document's code, run for each page. It ends with a function ``runTab``.
    """

    def __init__(self, lasting: str, code: str) -> None:
        try:
            # Not `quickjs`, which starts a thread when it is imported.
            import _quickjs as quickjs
        except ImportError as error:
            raise missing_package("quickjs-ng") from error
        self.quickjs = quickjs
        #: The kind of pages that may take this worker, see kind_of().
        self.kind = kind_of(lasting, code)
        #: The functions of the current page.
        self.functions: list[Callable[..., Any]] = []
        #: The exceptions of the current page's functions, oldest first. JavaScript may have caught them.
        self.errors: list[BaseException] = []
        self.context: Any = None
        self._start: Any = None
        self._clean: Any = None
        # The modules that are compiled as functions, by their text.
        self._compiled: dict[str, Any] = {}
        self._pages = self._modules = 0
        self._engine_thread = EngineThread()
        self.thread = self._engine_thread.thread
        self.run = self._engine_thread.run
        self.join = self._engine_thread.join
        # Not waited for: the test goes on meanwhile.
        self._failure: BaseException | None = None
        self._engine_thread.start(lambda: self._try_open(lasting, code))

    def _try_open(self, lasting: str, code: str) -> None:
        try:
            self._open(lasting, code)
        except BaseException as error:
            self._failure = error

    def _open(self, lasting: str, code: str) -> None:
        context = self.context = self.quickjs.Context()
        context.set_memory_limit(_MEMORY_BYTES)
        context.set_max_stack_size(self._engine_thread.stack_bytes * 7 // 8)
        context.add_callable("__host", _guarded(self))
        context.eval(_CONTEXT % (lasting, code))
        self._start, self._clean = context.get("__start"), context.get("__clean")
        context.eval("delete globalThis.__start; delete globalThis.__clean;")

    def start_page(self, functions: Mapping[str, Callable[..., Any]], errors: list[BaseException]) -> Any:
        """Run the document's code for a page, in the worker's thread; return the function that runs the tab."""
        if self._failure is not None:
            raise self._failure
        self.functions, self.errors = [*functions.values()], errors
        self._pages += 1
        self._start(json.dumps([*functions]))
        run = self.context.get("__run")
        self.context.eval("delete globalThis.__run")
        return run

    def module(self, text: str) -> Any:
        """Run a module in the worker's thread, and return its promise; or return a function that does the same.

        It is compiled once, as a function, if that is the same: without imports, and with exports at its end only.
        """
        if text not in self._compiled and (exports := _EXPORTS.match(text, max(0, text.rfind("export")))):
            with suppress(self.quickjs.JSException):
                self._compiled[text] = self.context.eval(_FUNCTION % (text[: exports.start()] + text[exports.end() :]))
        if text in self._compiled:
            return self._compiled[text]
        self._modules += 1
        return self.context.module(text)

    def drain(self) -> None:
        """Run what has been put off to the next microtask."""
        while self.context.execute_pending_job():
            pass

    def retire(self) -> None:
        """Leave the worker to the next page if the context is as it was, else end it."""
        if not self._may_stay() or not self.run(self._renew):
            self.end()
            self.join()
            return
        _put_idle(self)

    def _may_stay(self) -> bool:
        is_young = self._pages < _MOST_PAGES and self._modules < _MOST_MODULES
        return is_young and not _is_over.is_set() and threading.current_thread() is not self.thread

    def _renew(self) -> bool:
        self.drain()
        self.functions, self.errors = [], []
        try:
            return bool(self._clean())
        except self.quickjs.JSException:
            return False

    def end(self) -> None:
        """Drop the context, and end the thread once it has done what it does."""

        def drop() -> None:
            self._compiled = {}
            self.context = self._start = self._clean = None
            self.functions = []

        self._engine_thread.start(drop)
        self._engine_thread.end()


def kind_of(lasting: str, code: str) -> tuple[object, ...]:
    """Return what two pages must have in common to run in the same context: also the process, and its threads."""
    return (os.getpid(), is_gevent(), lasting, code)


def take_idle(kind: tuple[object, ...]) -> Worker | None:
    """Take a worker of a kind whose page is closed; return None if no such worker waits."""
    with _idling:
        for worker in _idle:
            if worker.kind == kind:
                _idle.remove(worker)
                return worker
    return None


def prepare_idle(lasting: str, code: str) -> None:
    """Make a worker that waits for the next page, unless one does: it starts while the server makes the page.

    :raises ImportError: if the extra ``testing`` is not installed.
    """
    kind = kind_of(lasting, code)
    with _idling:
        has_one = any(worker.kind == kind for worker in _idle)
    if not has_one and not _is_over.is_set():
        _put_idle(Worker(lasting, code))


def _put_idle(worker: Worker) -> None:
    worker.thread.name = IDLE
    with _idling:
        _idle.append(worker)
        surplus = _idle.pop(0) if len(_idle) > 1 else None
    if surplus is not None:
        surplus.end()
        surplus.join()


def end_idle() -> None:
    """End the workers that wait for a page."""
    with _idling:
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


def _guarded(worker: Worker) -> Callable[..., Any]:
    def call(number: int, *values: Any) -> Any:
        try:
            return worker.functions[number](*values)
        except BaseException as error:
            worker.errors.append(error)
            return f"{_FAILED}{type(error).__name__}: {error}"

    return call
