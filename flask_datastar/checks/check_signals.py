"""The check of signals: what handlers take, and what expressions read, is set by some page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

from ..errors import SetupError
from ..handlers.handler import EVERY_EVENT, Handler
from ..reading.parameters import Taken
from .findings import Finding, Place, finding, is_plural, is_typo, nearest
from .markup import Facts
from .project import VERBS, Project
from .python_files import Function, PythonFile
from .python_signals import PythonSignals, field_place, taken_by_name
from .uses import Use

#: Options with which an action sends something else than the page's signals.
_OTHER_BODY = frozenset({"_payload", "_content_type"})


class SignalCheck:
    """The signals of an app's pages, beside those that its handlers take."""

    def __init__(
        self, project: Project, facts: Mapping[str, Facts], python: PythonSignals, uses: Iterable[Use]
    ) -> None:
        self._project = project
        self._facts = facts
        self._python = python
        self._uses = [(use, handlers) for use in uses if (handlers := self._handlers_of(use)) is not None]
        self._taken = {handler.key: self._taken_by(handler) for handler in project.catalogue.handlers}
        #: Names that a finding has named already.
        self.explained: set[str] = set()
        #: Signals that any handler takes.
        self.taken = {one.path for taken in self._taken.values() for one in taken}

    def _handlers_of(self, use: Use) -> list[Handler] | None:
        """Return the handlers that an action may mean; those of objects in Python do not matter here."""
        if use.method not in VERBS or use.target is None:
            return None
        found = []
        for name, event in use.target.names:
            results = self._project.catalogue.find(name.text, event.text if event else None, use.contexts)
            if results is None:
                return None
            found += [handler for result in results for handler in result]
        return found

    @staticmethod
    def _taken_by(handler: Handler) -> list[Taken]:
        if handler.name == EVERY_EVENT:
            return []
        try:
            return handler.binder.taken()
        except SetupError:
            return []

    def check_handlers(self) -> Iterator[Finding]:
        """Yield the signals that a handler takes and no page sets."""
        for handler in self._project.catalogue.handlers:
            uses = [use for use, handlers in self._uses if handler.key in {one.key for one in handlers}]
            pages = self._project.pages_with(handler)
            place = self._find_function(handler)
            if not uses or pages is None or place is None or any(self._is_open(use, handler) for use in uses):
                continue
            if any(self._facts[name].is_open for name in pages) or self._python_is_open(handler, pages):
                continue
            in_url = self._project.catalogue.given_by_url(handler)
            named = [(taken, None) for taken in self._taken[handler.key]]
            for taken, where in [*named, *taken_by_name(*place)]:
                given = [
                    use for use in uses if taken.is_in_url and taken.parameter in {name for name, _ in use.keywords}
                ]
                lacking = [use for use in uses if use not in given] if taken.is_required or not given else []
                if not lacking or (taken.is_in_url and taken.parameter in in_url):
                    continue
                problem = self._problem(taken.path, pages)
                if problem is not None and not given:
                    yield self._at_handler(handler, place, taken, problem, where)
                elif problem is not None:
                    yield from self._at_actions(handler, taken, lacking)

    def _problem(self, path: str, pages: Iterable[str]) -> str | None:
        """Return advice for a signal that no page sets, None if one does."""
        by_pages = self._set_by_pages(pages)
        if any(covers(path, other) for other in by_pages):
            return self._problem_of_assigned(path, pages, by_pages)
        reads = self._read_on(pages)
        spare = {name for name in by_pages if name not in reads | self._taken_on(pages)}
        near = nearest(path, spare, 0.75)
        if near is None and any(covers(path, other) for other in self._python.by_handlers):
            return None
        if near is None:
            return "set it with datastar.signal(), data-signals or data-bind, or give it as a parameter of the action"
        self.explained.add(near)
        return _meant(near, by_pages[near])

    def _problem_of_assigned(self, path: str, pages: Iterable[str], by_pages: Mapping[str, Place]) -> str | None:
        """Return advice for a signal that only assignments in expressions set; they may have the same mistake."""
        facts = [self._facts[page] for page in pages]
        known = {name for one in facts for name in one.declared} | self._of_python(pages).keys()
        read = {name for one in facts for name, _ in one.reads}
        if any(covers(path, other) for other in known | read):
            return None
        near = [other for other in sorted(known) if is_typo(path, other) and not is_plural(path, other)]
        return _meant(near[0], by_pages[near[0]]) if near else None

    def _of_python(self, pages: Iterable[str]) -> dict[str, Place]:
        found: dict[str, Place] = {}
        for module in {"", *self._project.modules_of(pages)}:
            found.update(self._python.by_pages.get(module, {}))
        return found

    def _set_by_pages(self, pages: Iterable[str]) -> dict[str, Place]:
        found = self._of_python(pages)
        for name in pages:
            found.update(self._facts[name].sets)
        return found

    def _read_on(self, pages: Iterable[str]) -> set[str]:
        """Return what expressions read on pages, and in HTML of Python that may come to them."""
        return {path for page in pages for path, _ in self._facts[page].reads} | self._python.reads

    def _taken_on(self, pages: Iterable[str]) -> set[str]:
        """Return what the handlers take that pages have actions for."""
        return {
            taken.path
            for use, handlers in self._uses
            if use.template in pages
            for handler in handlers
            for taken in self._taken[handler.key]
        }

    def _is_open(self, use: Use, handler: Handler) -> bool:
        """Return whether an action may send more than is known, or has a wrong parameter, which is a finding itself."""
        known = self._project.catalogue.parameters(handler)
        return use.is_open or any(
            name in _OTHER_BODY or (known is not None and name[0] != "_" and name not in known)
            for name, _ in use.keywords
        )

    def _python_is_open(self, handler: Handler, pages: Iterable[str]) -> bool:
        modules = {handler.source[0], handler.function.__module__}
        for file in self._python.open_files:
            if file.module is None or file.module in modules:
                return True
            if file.module in self._project.modules_of(pages):
                return True
        return False

    def _find_function(self, handler: Handler) -> tuple[PythonFile, Function] | None:
        sources = {handler.source, (handler.function.__module__, handler.function.__qualname__)}
        for file, function in self._project.callers.functions():
            if file.module is not None and (file.module, function.qualname) in sources:
                return file, function
        return None

    def _at_handler(
        self, handler: Handler, found: tuple[PythonFile, Function], taken: Taken, problem: str, where: Place | None
    ) -> Finding:
        file, function = found
        place = file.place(function.node)
        arguments = function.node.args
        for argument in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]:
            if argument.arg == taken.parameter:
                place = file.place(argument)
                if argument.arg == "signals" and argument.annotation is not None:
                    place = field_place(self._project, argument.annotation, taken.path) or place
        title = f"handler {handler.group}.{handler.name} takes the signal {taken.path!r}"
        return finding(where or place, f"{title}, which no page with an action for it sets; {problem}")

    @staticmethod
    def _at_actions(handler: Handler, taken: Taken, uses: Iterable[Use]) -> Iterator[Finding]:
        for use in uses:
            yield finding(
                use.place,
                f"{use.title} lacks the parameter {taken.parameter!r}, which handler {handler.group}.{handler.name} "
                f"needs and no page sets as a signal; write datastar.{use.method}(…, {taken.parameter}=…)",
            )

    def check_bound(self) -> Iterator[Finding]:
        """Yield the signals that an input is bound to, that nothing takes or reads, and that look like another name.

        To be called after :meth:`check_handlers`, whose findings may name them.
        """
        for name, facts in self._facts.items():
            pages = self._project.page_of(name)
            if not self.handlers_on(pages) or not self._project.templates[name].is_own or self.may_read_all(pages):
                continue
            taken = self._taken_on(pages)
            bound = {path for page in pages for path in self._facts[page].bound}
            reads = self._read_on(pages)
            for path, place in facts.bound.items():
                near = nearest(path, taken - bound, 0.75)
                is_used = any(covers(path, other) for other in taken | reads)
                if near is not None and not is_used and not path.startswith("_") and path not in self.explained:
                    yield finding(
                        place,
                        f"an input is bound to the signal {path!r}, which no handler takes and no expression reads; "
                        f"did you mean {near!r}?",
                    )

    def handlers_on(self, pages: Iterable[str]) -> list[Handler]:
        """Return the handlers that pages have actions for."""
        return [handler for use, found in self._uses if use.template in pages for handler in found]

    def may_read_all(self, pages: Iterable[str]) -> bool:
        """Return whether a handler of pages may read signals that its parameters do not name."""
        return any(map(self._reads_all, self.handlers_on(pages)))

    def _reads_all(self, handler: Handler) -> bool:
        place = self._find_function(handler)
        if handler.binder.takes_all or handler.name == EVERY_EVENT or handler.binder.names is None or place is None:
            return True
        return bool({handler.key, place[0].source.name} & self._readers)

    @cached_property
    def _readers(self) -> set[str]:
        """The handlers that read signals by other means, and the files in which any function may."""
        found: set[str] = set()
        for file, function in self._project.callers.functions():
            if {".read_signals", ".form"} & function.mentions:
                roots = self._project.callers.roots(file, function)
                found |= {root.handler.key for root in roots if root is not None and root.handler is not None}
                if None in roots:
                    found.add(file.source.name)
        return found

    def check_reads(self) -> Iterator[Finding]:
        """Yield the signals that an expression reads, that nothing sets, and that look like another one's name."""
        if self._python.open_files:
            return
        for name, facts in self._facts.items():
            template = self._project.templates[name]
            pages = self._project.page_of(name)
            if not template.is_own or any(self._facts[page].is_open for page in pages):
                continue
            known = {path for page in pages for path in self._facts[page].sets}
            known |= {*self._python.by_handlers, *self.taken}
            known |= {path for sets in self._python.by_pages.values() for path in sets}
            for path, place in facts.reads:
                near = self._meant_by(path, known)
                if near is not None and near not in self.explained:
                    yield finding(place, f"${path} is read here, and nothing sets this signal; did you mean ${near}?")

    @staticmethod
    def _meant_by(path: str, known: set[str]) -> str | None:
        """Return the signal whose name an expression probably means, None if the path is known, or like no other."""
        if any(covers(path, other) for other in known):
            return None
        near = nearest(path, known, 0.8)
        if near is not None and (is_typo(path, near) or len(path) > 4):
            return near
        # The rest may be a member of the value, such as the length of a text.
        name, dot, rest = path.partition(".")
        if not dot or any(covers(name, other) for other in known):
            return None
        meant = next((other for other in sorted(known) if is_typo(name, other) and not is_plural(name, other)), None)
        return None if meant is None else f"{meant}.{rest}"


def _meant(name: str, place: Place) -> str:
    line, column = place.source.position(place.offset)
    return f"did you mean {name!r}, which is set at {place.source.name}:{line}:{column}?"


def covers(path: str, other: str) -> bool:
    """Return whether a signal is set if another one is: the same, one around it, or one inside it."""
    return path == other or path.startswith(f"{other}.") or other.startswith(f"{path}.")
