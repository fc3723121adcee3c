"""The signals of Python: those that views and handlers set, and those that handlers take by name."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ..reading.parameters import Taken
from .findings import Place
from .fragments import GAP
from .markup import Facts
from .project import Project
from .python_files import Function, PythonFile


@dataclass
class PythonSignals:
    """The signals that Python sets."""

    #: Module of a page → path → the first place where it is set; under "" what any page may run.
    by_pages: dict[str, dict[str, Place]] = field(default_factory=dict)
    #: Path → the places where only handlers set it.
    by_handlers: dict[str, Place] = field(default_factory=dict)
    #: Path → the places where only handlers send it: the names in dicts of other functions may be those of anything.
    sent_by_handlers: dict[str, Place] = field(default_factory=dict)
    #: Paths that expressions in HTML of Python read.
    reads: set[str] = field(default_factory=set)
    #: The files that set signals whose names are not known.
    open_files: set[PythonFile] = field(default_factory=set)


def read_python_signals(project: Project, facts: Mapping[PythonFile, Facts]) -> PythonSignals:
    """Find the signals that Python sets.

    :param facts: the HTML in the strings of each file.
    """
    found = PythonSignals()
    for file in project.files:
        if facts[file].is_open:
            found.open_files.add(file)
        found.reads |= {path for path, _ in facts[file].reads}
        for path, place in facts[file].sets.items():
            found.by_pages.setdefault("", {}).setdefault(path, place)
        for node, names in _sets(file):
            if names is None:
                found.open_files.add(file)
            function = file.function_of(node)
            roots = project.callers.roots(file, function) if function is not None else frozenset({None})
            modules = {root.context.module if root else "" for root in roots if root is None or root.handler is None}
            for name, place in names or ():
                for module in modules:
                    found.by_pages.setdefault(module, {}).setdefault(name, place)
                if not modules:
                    found.by_handlers.setdefault(name, place)
                    is_handler = function is not None and bool(project.callers.entries_of(file, function))
                    if is_handler or isinstance(node, ast.Call):
                        found.sent_by_handlers.setdefault(name, place)
    return found


def _sets(file: PythonFile) -> Iterator[tuple[ast.AST, list[tuple[str, Place]] | None]]:
    """Yield the expressions that set signals with the paths; None for paths that are not known."""
    for node in file.nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            method, arguments = node.func.attr, node.args
            if (
                method == "signal"
                and arguments
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id == "signal"
            ):
                # The standard library's own.
                continue
            if method == "signal" and arguments:
                texts = file.patterns(arguments[0])
                is_known = not any(GAP in text for text in texts)
                yield node, [(text, file.place(arguments[0])) for text in texts] if is_known else None
            elif method == "patch_signals" and arguments:
                yield node, _keys(file, arguments[0], "")
            elif method == "patch_signals_raw":
                yield node, None
            elif method == "show_errors":
                yield node, [("errors", file.place(node))]
        elif isinstance(node, ast.Return | ast.Yield) and isinstance(node.value, ast.Dict):
            yield node, _keys(file, node.value, "") or []


def _keys(file: PythonFile, node: ast.expr, prefix: str) -> list[tuple[str, Place]] | None:
    if not isinstance(node, ast.Dict):
        return None
    found: list[tuple[str, Place]] = []
    for key, value in zip(node.keys, node.values, strict=True):
        if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
            return None
        name = f"{prefix}{key.value}"
        inner = _keys(file, value, f"{name}.") if isinstance(value, ast.Dict) else []
        found += inner or [(name, file.place(key))]
    return found


def taken_by_name(file: PythonFile, function: Function) -> Iterator[tuple[Taken, Place]]:
    """Yield what a handler reads as ``signals["name"]`` or ``signals.get("name")``."""
    if not any(argument.arg == "signals" for argument in function.node.args.args):
        return
    for node in ast.walk(function.node):
        key: ast.expr | None = None
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == "signals":
            key = node.slice
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
            owner = node.func.value
            key = node.args[0] if isinstance(owner, ast.Name) and owner.id == "signals" and node.args else None
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            yield Taken(key.value, "signals", is_in_url=False, is_required=False), file.place(key)


def field_place(project: Project, annotation: ast.expr, path: str) -> Place | None:
    """Return the place of a model's field, if the model is a class of the app."""
    name = getattr(annotation, "attr", getattr(annotation, "id", None))
    for file in project.files:
        for node in file.nodes:
            if isinstance(node, ast.ClassDef) and node.name == name:
                for field_node in node.body:
                    if isinstance(field_node, ast.AnnAssign) and getattr(field_node.target, "id", None) == path:
                        return file.place(field_node)
    return None
