"""Calls of ``datastar`` in templates and in Python, in one form for the checks."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType

from jinja2 import nodes

from .catalogue import Context
from .findings import Place
from .fragments import GAP
from .project import Project
from .python_files import PythonFile
from .templates import HelperCall, Template, keyword_place
from .values import Text, texts_of


@dataclass(frozen=True)
class Target:
    """The first arguments of an action: texts, or in Python an object."""

    #: Each with the event in a second argument, or None.
    names: tuple[tuple[Text, Text | None], ...] = ()
    #: A function, a class or a module, with the event.
    found: tuple[object, str | None] | None = None


@dataclass(frozen=True)
class Use:
    """One call of a method of ``datastar``."""

    method: str
    place: Place
    #: None if it is not known.
    target: Target | None
    #: The names of the keyword arguments.
    keywords: tuple[tuple[str, Place], ...]
    #: Whether it has more keyword arguments, whose names are not known.
    is_open: bool
    contexts: frozenset[Context] | None
    is_template: bool
    #: The template in which it stands; empty for Python.
    template: str = ""

    @property
    def title(self) -> str:
        """The call as a message names it."""
        if self.target is None or not self.target.names:
            return f"datastar.{self.method}(…)"
        name, event = self.target.names[0]
        return f"datastar.{self.method}({name.text!r}{f', {event.text!r}' if event else ''})"


def uses_in_template(project: Project, template: Template) -> Iterator[Use]:
    """Yield the calls of ``datastar`` in a template."""
    contexts = project.contexts.get(template.name)
    for helper in template.helpers:
        keywords = tuple(
            (keyword.key, keyword_place(keyword.key, keyword.value, template.source)) for keyword in helper.node.kwargs
        )
        is_open = helper.node.dyn_kwargs is not None
        target = _template_target(helper)
        yield Use(helper.method, helper.method_place, target, keywords, is_open, contexts, True, template.name)


def _template_target(helper: HelperCall) -> Target | None:
    arguments: list[nodes.Expr] = helper.node.args
    if not arguments or helper.node.dyn_args is not None:
        return None
    names = texts_of(arguments[0], helper.scope)
    events = texts_of(arguments[1], helper.scope) if len(arguments) > 1 else None
    if names is None or (len(arguments) > 1 and events is None):
        return None
    return Target(tuple((name, event) for name in names for event in events or (None,)))


def uses_in_python(project: Project, file: PythonFile) -> Iterator[Use]:
    """Yield the calls of ``datastar`` in a Python file."""
    for call in file.calls:
        function = call.func
        if isinstance(function, ast.Attribute) and file.is_extension(function.value):
            end = file.place(function, end=True)
            place = Place(end.source, end.offset - len(function.attr))
            keywords = tuple((one.arg, file.place(one)) for one in call.keywords if one.arg is not None)
            is_open = any(one.arg is None for one in call.keywords)
            yield Use(function.attr, place, _python_target(file, call), keywords, is_open, None, False)


def _python_target(file: PythonFile, call: ast.Call) -> Target | None:
    arguments = call.args
    if not arguments or any(isinstance(one, ast.Starred) for one in arguments):
        return None
    events = _texts(file, arguments[1]) if len(arguments) > 1 else (None,)
    if events is None:
        return None
    names = _texts(file, arguments[0])
    if names is not None:
        return Target(tuple((name, event) for name in names if name is not None for event in events))
    found = resolve(file, arguments[0])
    event = events[0].text if events[0] is not None else None
    return Target(found=(found, event)) if found is not None and len(events) == 1 else None


def _texts(file: PythonFile, node: ast.expr) -> tuple[Text | None, ...] | None:
    patterns = file.patterns(node)
    if any(GAP in text for text in patterns):
        return None
    return tuple(Text(text, file.place(node)) for text in patterns)


def resolve(file: PythonFile, node: ast.expr) -> object | None:
    """Return the object that a dotted name means in a module, None if that is not known."""
    if isinstance(node, ast.Attribute):
        owner = resolve(file, node.value)
        return getattr(owner, node.attr, None) if isinstance(owner, ModuleType | type) else None
    if not isinstance(node, ast.Name) or file.module is None:
        return None
    function = file.function_of(node)
    if function is not None and any(
        (isinstance(inner, ast.arg) and inner.arg == node.id)
        or (isinstance(inner, ast.Name) and inner.id == node.id and isinstance(inner.ctx, ast.Store))
        or (isinstance(inner, ast.FunctionDef | ast.ClassDef) and inner is not function.node and inner.name == node.id)
        for inner in ast.walk(function.node)
    ):
        return None
    return getattr(sys.modules.get(file.module), node.id, None)
