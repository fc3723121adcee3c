"""The JavaScript engine of a tab: QuickJS with the document's code, in a thread of its own with a large stack."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import cache
from importlib import resources
from typing import Any

from ..transport.wakeups import is_gevent
from .page_errors import PageError, missing_package

#: The code of the document, in the order in which it is run.
FILES = (
    *("events.js", "nodes.js", "elements.js", "forms.js", "validity.js", "tags.js", "activation.js", "observers.js"),
    *("network.js", "window.js", "gestures.js"),
)
#: The client nests a level for each effect of a change, each some 9 KiB of stack: this is enough for 3,000 effects of
#: one signal, where browsers stop, too.
_STACK_BYTES = 32 * 1024 * 1024
#: Under gevent there is no such thread: greenlets run on the stack of their thread.
_SHARED_STACK_BYTES = 4 * 1024 * 1024
_MEMORY_BYTES = 1024 * 1024 * 1024
#: Far beyond what a page takes: a loop without end is the page's fault.
_LONGEST_SECONDS = 60
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


@cache
def _document_code() -> str:
    folder = resources.files(__package__)
    return "\n".join(folder.joinpath(name).read_text(encoding="utf-8") for name in FILES)


class Engine:
    """One JavaScript context, which only its own thread touches.

    :param callables: the host's functions by name, called in the engine's thread. They take and return text, numbers,
        booleans and None; what they raise is kept in :attr:`errors`, and is an error in JavaScript.
    """

    def __init__(self, callables: Mapping[str, Callable[..., Any]]) -> None:
        try:
            # Not `quickjs`, which starts a thread when it is imported.
            import _quickjs as quickjs
        except ImportError as error:
            raise missing_package("quickjs-ng") from error
        self._quickjs = quickjs
        #: The exceptions of the host's functions, oldest first. JavaScript may have caught it.
        self.errors: list[BaseException] = []
        self._tasks: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = queue.SimpleQueue()
        self._is_closed = False
        self._context: Any = None
        self._run_tab: Any = None
        size = _SHARED_STACK_BYTES if is_gevent() else _STACK_BYTES
        thread = threading.Thread(target=_work, args=(self._tasks,), name="datastar-test-page", daemon=True)
        with _starting:
            before = threading.stack_size(0 if is_gevent() else size)
            try:
                thread.start()
            finally:
                threading.stack_size(before)
        self._thread = thread
        self._do(lambda: self._open(callables, size * 7 // 8))

    def call(self, name: str, *values: object) -> Any:
        """Call a function of the document's code, and then all that it has put off to the next microtask.

        :raises PageError: if it runs without end, or the engine has no more memory or stack.
        """
        given = json.dumps(values)
        return json.loads(self._do(lambda: self._call(name, given)))

    def run_module(self, text: str) -> None:
        """Run a module script, such as the client's file. An error in it is reported as those of other scripts are.

        :raises PageError: if it is not JavaScript.
        """
        self._do(lambda: self._run_module(text))

    def _run_module(self, text: str) -> None:
        # The promise that a module returns has its error.
        self._context.set("__module", self._context.module(text))
        self._call("watchModule", "[]")

    def close(self) -> None:
        """Drop the context and end the thread; safe to call twice."""
        if self._is_closed:
            return
        self._is_closed = True

        def drop() -> None:
            self._context = self._run_tab = None

        self._tasks.put((drop, Future()))
        self._tasks.put(None)
        self._thread.join(_LONGEST_SECONDS)

    def _open(self, callables: Mapping[str, Callable[..., Any]], stack_bytes: int) -> None:
        context = self._context = self._quickjs.Context()
        context.set_memory_limit(_MEMORY_BYTES)
        context.set_max_stack_size(stack_bytes)
        for name, function in callables.items():
            context.add_callable(f"__host_{name}", _guarded(function, self.errors))
        preamble = _PREAMBLE % json.dumps(sorted(callables))
        context.eval(f'"use strict";(() => {{{preamble}{_document_code()}\nglobalThis.__run = runTab;}})()')
        self._run_tab = context.get("__run")
        context.eval("delete globalThis.__run")

    def _call(self, name: str, given: str) -> str:
        result = self._run_tab(name, given)
        self._drain()
        return str(result)

    def _drain(self) -> None:
        while self._context.execute_pending_job():
            pass

    def _do(self, function: Callable[[], Any]) -> Any:
        if self._is_closed:
            raise PageError("the page is closed: the tab has left it; load a page")
        future: Future[Any] = Future()
        self._tasks.put((function, future))
        try:
            return future.result(_LONGEST_SECONDS)
        except TimeoutError:
            self._is_closed = True
            raise PageError(f"the page's scripts have not ended after {_LONGEST_SECONDS} s: look for a loop") from None
        except self._quickjs.StackOverflow as error:
            raise PageError(
                f"the page's scripts nest too deeply: {error}; one signal may have too many effects"
            ) from None
        except self._quickjs.JSException as error:
            raise PageError(str(error)) from None


def _guarded(function: Callable[..., Any], errors: list[BaseException]) -> Callable[..., Any]:
    def call(*values: Any) -> Any:
        try:
            return function(*values)
        except BaseException as error:
            errors.append(error)
            return f"{_FAILED}{type(error).__name__}: {error}"

    return call


def _work(tasks: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None]) -> None:
    while (task := tasks.get()) is not None:
        function, future = task
        try:
            future.set_result(function())
        except BaseException as error:
            future.set_exception(error)
        # Not kept until the next task: it holds the engine, and so the context.
        del task, function, future
