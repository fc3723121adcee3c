"""The JavaScript engine of a page: QuickJS with the document's code, in a thread of its own with a large stack."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from .engine_worker import Worker, kind_of, prepare_idle, take_idle
from .page_errors import PageError

#: The code of the document, in the order in which it is run for each page.
FILES = (
    *("events.js", "nodes.js", "elements.js", "forms.js", "validity.js", "tags.js", "activation.js", "observers.js"),
    *("network.js", "window.js", "gestures.js"),
)
#: Code that is run once, for all pages of a context.
_LASTING_FILES = ("host.js", "names.js", "renewal.js")
#: Far beyond what a page takes: a loop without end is the page's fault.
_LONGEST_SECONDS = 60


@cache
def _document_code() -> str:
    return "\n".join(map(_read, FILES))


@cache
def _lasting_code() -> str:
    return "\n".join([f"const BROWSER = {_browser_names()};", *map(_read, _LASTING_FILES)])


def _browser_names() -> str:
    """Return the names that browsers have, as JSON: texts by tag, and of ``node``, ``document`` and ``window``."""
    lines = (line.split(maxsplit=1) for line in _read("browser_names.txt").splitlines() if not line.startswith("#"))
    return json.dumps(dict(lines))


def _read(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def prepare_engine() -> None:
    """Get the JavaScript of the next page ready in a thread of its own, while the server makes that page.

    :raises ImportError: if the extra ``testing`` is not installed.
    """
    prepare_idle(_lasting_code(), _document_code())


class Engine:
    """The JavaScript of one page, which only its own thread touches.

    :param callables: the host's functions by name, called in the engine's thread. They take and return text, numbers,
        booleans and None; what they raise is kept in :attr:`errors`, and is an error in JavaScript.
    """

    def __init__(self, callables: Mapping[str, Callable[..., Any]]) -> None:
        #: The exceptions of the host's functions, oldest first. JavaScript may have caught it.
        self.errors: list[BaseException] = []
        self._is_closed = False
        lasting, code = _lasting_code(), _document_code()
        worker = self._worker = take_idle(kind_of(lasting, code)) or Worker(lasting, code)
        worker.thread.name = "datastar-test-page"
        self._run_tab: Any = None
        try:
            self._do(lambda: self._open(callables))
        except BaseException:
            # Of a loop without end, nothing waits.
            if not self._is_closed:
                worker.end()
                worker.join()
            raise

    def call(self, name: str, *values: object) -> Any:
        """Call a function of the document's code, and then all that it has put off to the next microtask.

        :raises PageError: if it runs without end, or the engine has no more memory or stack.
        """
        given = json.dumps(values)
        return json.loads(self._do(lambda: self._call(name, given)))

    def count(self, name: str, most: int) -> int:
        """Call a function of the document's code as long as it returns true, at most so many times; return how often.

        :raises PageError: if one of the calls fails, see :meth:`call`, or they run without end together.
        """

        def run() -> int:
            return next((done for done in range(most) if self._call(name, "[]") != "true"), most)

        counted: int = self._do(run)
        return counted

    def run_module(self, text: str) -> None:
        """Run a module script, such as the client's file. An error in it is reported as those of other scripts are.

        :raises PageError: if it is not JavaScript.
        """
        self._do(lambda: self._run_module(text))

    def close(self) -> None:
        """Leave the context to the next page, or drop it; safe to call twice."""
        if self._is_closed:
            return
        self._is_closed = True
        self._run_tab = None
        self._worker.retire()

    def _open(self, callables: Mapping[str, Callable[..., Any]]) -> None:
        self._run_tab = self._worker.start_page(callables, self.errors)

    def _run_module(self, text: str) -> None:
        # The promise that a module returns has its error.
        self._worker.context.set("__module", self._worker.module(text))
        self._call("watchModule", "[]")

    def _call(self, name: str, given: str) -> str:
        result = self._run_tab(name, given)
        self._worker.drain()
        return str(result)

    def _do(self, function: Callable[[], Any]) -> Any:
        if self._is_closed:
            raise PageError("the page is closed: the tab has left it; load a page")
        quickjs = self._worker.quickjs
        try:
            return self._worker.run(function, _LONGEST_SECONDS)
        except TimeoutError:
            self._is_closed = True
            self._worker.end()
            raise PageError(f"the page's scripts have not ended after {_LONGEST_SECONDS} s: look for a loop") from None
        except quickjs.StackOverflow as error:
            raise PageError(
                f"the page's scripts nest too deeply: {error}; one signal may have too many effects"
            ) from None
        except quickjs.JSException as error:
            raise PageError(str(error)) from None
