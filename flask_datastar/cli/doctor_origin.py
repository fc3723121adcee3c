"""The doctor's look at the code of plain views: whether each request that changes something reaches the origin check.

A request that tries it out could change something, so the code is read instead. Whatever is not plain counts as
unchecked.
"""

from __future__ import annotations

import ast
import linecache
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from enum import Enum
from functools import lru_cache
from types import FunctionType
from typing import Any

from flask import Flask, abort
from flask.views import View
from werkzeug.exceptions import abort as werkzeug_abort

from ..state.app import AppState

_NAME = "check_origin"
#: How many functions deep a call is followed.
_DEEPEST = 4


class Outcome(Enum):
    """State of a request after a statement."""

    CHECKED = "it was checked, or is refused"
    OPEN = "it may have changed something unchecked, or the code is not plain"
    ON = "the next statement decides"


def is_checked(app_state: AppState, endpoint: str, methods: Iterable[str]) -> bool:
    """Return whether a view checks the origin of all requests with some methods, before it changes anything.

    :param methods: those that change something.
    """
    app = app_state.app
    before = list(_before(app, endpoint))
    view = app.view_functions.get(endpoint)
    return all(
        any(_checks(function, method, app_state.extension) for function in [*before, *_layers(view, method)])
        for method in methods
    )


def _before(app: Flask, endpoint: str) -> Iterator[object]:
    """Yield the functions before the requests of an endpoint."""
    yield from app.before_request_funcs.get(None, ())
    blueprint = endpoint.rpartition(".")[0]
    while blueprint:
        yield from app.before_request_funcs.get(blueprint, ())
        blueprint = blueprint.rpartition(".")[0]


def _layers(view: Any, method: str) -> Iterator[object]:
    """Yield the functions that run one inside the other: decorators, the view, the methods of its class."""
    cls = getattr(view, "view_class", None)
    if isinstance(cls, type) and issubclass(cls, View):
        yield cls.dispatch_request
        yield getattr(cls, method.lower(), None)
    seen: set[int] = set()
    while callable(view) and id(view) not in seen:
        seen.add(id(view))
        yield view
        view = getattr(view, "__wrapped__", None)


def _checks(function: object, method: str, extension: object) -> bool:
    if _is_the_check(function, extension):
        return True
    function = getattr(function, "__func__", function)
    return isinstance(function, FunctionType) and _Reader(function, method, extension).read() is Outcome.CHECKED


class _Reader:
    """One function, read for requests with one method."""

    def __init__(self, function: FunctionType, method: str, extension: object, depth: int = 0) -> None:
        self._function = function
        self._method = method
        self._extension = extension
        self._depth = depth

    def read(self) -> Outcome:
        node = _find(self._function)
        return self._walk(node.body) if node is not None and self._depth < _DEEPEST else Outcome.OPEN

    def _walk(self, statements: list[ast.stmt]) -> Outcome:
        for statement in statements:
            outcome = self._statement(statement)
            if outcome is not Outcome.ON:
                return outcome
        return Outcome.ON

    def _statement(self, node: ast.stmt) -> Outcome:
        match node:
            case ast.Expr(value=ast.Call() as call) | ast.Return(value=ast.Call() as call):
                outcome = self._call(call)
                # Whatever else a function returns, it returns unchecked.
                return Outcome.OPEN if isinstance(node, ast.Return) and outcome is Outcome.ON else outcome
            case ast.Expr(value=ast.Constant()) | ast.Pass() | ast.Import() | ast.ImportFrom() | ast.Global():
                return Outcome.ON
            case ast.Assign(targets=[ast.Name()]) | ast.AnnAssign(target=ast.Name()):
                return Outcome.ON
            case ast.Raise():
                return Outcome.CHECKED
            case ast.If():
                return self._if(node)
            case ast.Try(body=body, handlers=[]):
                return self._walk(body)
        return Outcome.OPEN

    def _if(self, node: ast.If) -> Outcome:
        is_true = self._test(node.test)
        branches = [body for body, value in ((node.body, True), (node.orelse, False)) if is_true in (None, value)]
        outcomes = {self._walk(body) for body in branches}
        if Outcome.OPEN in outcomes:
            return Outcome.OPEN
        return Outcome.CHECKED if outcomes == {Outcome.CHECKED} else Outcome.ON

    def _call(self, call: ast.Call) -> Outcome:
        match call.func:
            case ast.Attribute(value=owner, attr=attr) if attr == _NAME:
                found = self._resolve(owner)
                is_own = found is None or isinstance(found, type(self._extension))
                return Outcome.CHECKED if is_own else Outcome.OPEN
            case ast.Name() as name:
                return self._called(self._resolve(name))
        return Outcome.OPEN

    def _called(self, found: object) -> Outcome:
        if found in (abort, werkzeug_abort) or _is_the_check(found, self._extension):
            return Outcome.CHECKED
        if not isinstance(found, FunctionType):
            return Outcome.OPEN
        return _Reader(found, self._method, self._extension, self._depth + 1).read()

    def _test(self, node: ast.expr) -> bool | None:
        """Return what a condition is for requests with the method; None if it is not known."""
        match node:
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                value = self._test(operand)
                return None if value is None else not value
            case ast.BoolOp(op=op, values=values):
                decisive = isinstance(op, ast.Or)
                found = {self._test(value) for value in values}
                if decisive in found:
                    return decisive
                return None if None in found else not decisive
            case ast.Compare(left=ast.Attribute(attr="method"), ops=[op], comparators=[other]):
                return self._compare(op, self._value(other))
        return None

    def _compare(self, op: ast.cmpop, other: object) -> bool | None:
        match op:
            case ast.Eq() | ast.NotEq() if isinstance(other, str):
                return (self._method == other) is isinstance(op, ast.Eq)
            case ast.In() | ast.NotIn() if isinstance(other, Collection):
                return (self._method in other) is isinstance(op, ast.In)
        return None

    def _value(self, node: ast.expr) -> object:
        try:
            return ast.literal_eval(node)
        except ValueError:
            return self._resolve(node)

    def _resolve(self, node: ast.expr) -> object:
        """Return the object that a name of the module, or of a function around, means; None if that is not known."""
        code = self._function.__code__
        if not isinstance(node, ast.Name) or node.id in code.co_varnames + code.co_cellvars:
            return None
        if node.id not in code.co_freevars:
            return self._function.__globals__.get(node.id)
        with suppress(ValueError):
            # An error if the name has no value yet.
            return (self._function.__closure__ or ())[code.co_freevars.index(node.id)].cell_contents
        return None


def _is_the_check(found: object, extension: object) -> bool:
    return getattr(found, "__name__", "") == _NAME and isinstance(getattr(found, "__self__", None), type(extension))


def _find(function: FunctionType) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """Return the code of a function; None for a lambda, and without its source."""
    code: Any = function.__code__
    for node in _functions(code.co_filename):
        first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
        if (node.name, first) == (code.co_name, code.co_firstlineno):
            return node
    return None


@lru_cache(maxsize=64)
def _functions(filename: str) -> tuple[ast.FunctionDef | ast.AsyncFunctionDef, ...]:
    try:
        tree = ast.parse("".join(linecache.getlines(filename)))
    except SyntaxError:
        return ()
    return tuple(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
