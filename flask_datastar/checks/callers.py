"""The functions of an app's Python, and what runs them: requests, each other, or something unknown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

from ..handlers.handler import default_group
from .catalogue import Catalogue, Context, Entry
from .python_files import Function, PythonFile

#: Methods of a view that its page runs.
_PAGE_METHODS = frozenset({"show", "load", "html"})


class Callers:
    """The calls between the functions of some files, as far as names tell."""

    def __init__(self, catalogue: Catalogue, files: Iterable[PythonFile]) -> None:
        self._catalogue = catalogue
        self._files = list(files)

    def entries_of(self, file: PythonFile, function: Function) -> list[Entry]:
        """Return what a function is to requests."""
        if file.module is None:
            return []
        entries = self._catalogue.entries.get((file.module, function.qualname), [])
        if not entries and function.owner and function.name in _PAGE_METHODS:
            group = default_group(file.module, function.owner)
            return [Entry(Context(group, file.module), None, function.name)]
        return entries

    @cached_property
    def _callers(self) -> dict[str, list[tuple[PythonFile, Function]]]:
        found: dict[str, list[tuple[PythonFile, Function]]] = {}
        for file in self._files:
            for function in file.functions:
                for name in function.mentions:
                    found.setdefault(name, []).append((file, function))
        return found

    def _callers_of(self, file: PythonFile, function: Function) -> list[tuple[PythonFile, Function]]:
        names = function.names(file.module)
        if function.owner and (file.module, function.owner) in self._catalogue.entries:
            # Flask calls the methods of a view; of others only its own do.
            names = (f"self{names[0]}", f"cls{names[0]}")
        return [
            (where, one)
            for name in names
            for where, one in self._callers.get(name, ())
            # The same name may be something else in a file that does not import it from there.
            if one is not function and (where is file or "." in name or where.imports_from(name, file.module))
        ]

    def roots(self, file: PythonFile, function: Function) -> frozenset[Entry | None]:
        """Return what runs a function, directly or through others; None among them stands for the unknown."""
        key = (file.source.name, function.qualname)
        if key not in self._roots:
            found: set[Entry | None] = set()
            seen, waiting = {id(function)}, [(file, function)]
            while waiting:
                where, current = waiting.pop()
                entries = self.entries_of(where, current)
                found.update(entries)
                callers = self._callers_of(where, current)
                if not entries and (not callers or current.node.decorator_list):
                    found.add(None)
                for caller in callers:
                    if id(caller[1]) not in seen:
                        seen.add(id(caller[1]))
                        waiting.append(caller)
            self._roots[key] = frozenset(found)
        return self._roots[key]

    @cached_property
    def _roots(self) -> dict[tuple[str, str], frozenset[Entry | None]]:
        return {}

    def functions(self) -> Iterator[tuple[PythonFile, Function]]:
        """Yield all functions with their files."""
        for file in self._files:
            for function in file.functions:
                yield file, function
