"""Statements of LibCST: what they create and what they import."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import libcst as cst

_COMMA = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))


def creates_app(statement: cst.CSTNode) -> tuple[str, cst.Call] | None:
    """Return the variable and the call of ``app = Flask(…)``."""
    found = assigned_call(statement)
    return found[:2] if found is not None and found[2] == "Flask" else None


def assigned_call(statement: cst.CSTNode) -> tuple[str, cst.Call, str] | None:
    """Return the variable, the call and the name of what is called, of ``variable = name(…)``."""
    if not isinstance(statement, cst.SimpleStatementLine):
        return None
    first = statement.body[0]
    if isinstance(first, cst.Assign):
        target: cst.CSTNode = first.targets[0].target
    elif isinstance(first, cst.AnnAssign):
        target = first.target
    else:
        return None
    value = first.value
    if not isinstance(value, cst.Call) or not isinstance(target, cst.Name):
        return None
    name = value.func.attr if isinstance(value.func, cst.Attribute) else value.func
    return (target.value, value, name.value) if isinstance(name, cst.Name) else None


def takes_nothing(function: cst.FunctionDef) -> bool:
    """Check whether a function can be called without arguments."""
    given = [*function.params.posonly_params, *function.params.params, *function.params.kwonly_params]
    return all(parameter.default is not None for parameter in given)


def is_import(statement: cst.CSTNode) -> bool:
    """Check whether a statement is an import."""
    return isinstance(statement, cst.SimpleStatementLine) and isinstance(statement.body[0], cst.Import | cst.ImportFrom)


def import_from(statement: cst.CSTNode) -> cst.ImportFrom | None:
    """Return the import of a statement ``from x import y``; None of any other."""
    if isinstance(statement, cst.SimpleStatementLine) and isinstance(statement.body[0], cst.ImportFrom):
        return statement.body[0]
    return None


def module_name(found: cst.ImportFrom) -> str:
    """Return the name of the module from which a statement imports, with its dots."""
    name = cst.Module([]).code_for_node(found.module) if found.module is not None else ""
    return "." * len(found.relative) + name


def with_name(aliases: Iterable[cst.ImportAlias], name: str) -> list[cst.ImportAlias]:
    """Return the names of an import with one more, in their order if they have one."""
    old = list(aliases)
    names = [str(alias.name.value) for alias in old]
    is_sorted = names == sorted(names, key=import_order)
    place = sum(import_order(other) < import_order(name) for other in names) if is_sorted else len(old)
    new = cst.ImportAlias(cst.Name(name))
    between: Any = old[-2].comma if len(old) > 1 else cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    if place < len(old):
        return [*old[:place], new.with_changes(comma=between), *old[place:]]
    return [*old[:-1], old[-1].with_changes(comma=between), new.with_changes(comma=old[-1].comma)]


def import_order(name: str) -> tuple[int, str]:
    """Order names as isort does: constants, classes, the rest."""
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2
    return kind, name


def with_argument(call: cst.Call, text: str) -> list[cst.Arg]:
    """Return the arguments of a call with one more, on a line of its own if the last one is.

    :param text: such as ``key="value"``.
    """
    new = cst.ensure_type(cst.parse_expression(f"f({text})"), cst.Call).args[0]
    if not call.args:
        return [new]
    *others, last = call.args
    comma = last.comma if isinstance(last.comma, cst.Comma) else None
    ends = comma.whitespace_after if comma is not None else last.whitespace_after_arg
    new = new.with_changes(comma=last.comma)
    if not isinstance(ends, cst.ParenthesizedWhitespace):
        return [*others, last.with_changes(comma=_COMMA), new]
    above = others[-1].comma.whitespace_after if others else call.whitespace_before_args  # type: ignore[union-attr]
    indent = above.last_line if isinstance(above, cst.ParenthesizedWhitespace) else cst.SimpleWhitespace("    ")
    between = cst.Comma(whitespace_after=ends.with_changes(last_line=indent))
    last = last.with_changes(comma=between, whitespace_after_arg=cst.SimpleWhitespace(""))
    # A comment belongs to the argument before.
    ends = ends.with_changes(first_line=cst.TrailingWhitespace(newline=ends.first_line.newline), empty_lines=[])
    if comma is None:
        return [*others, last, new.with_changes(whitespace_after_arg=ends)]
    return [*others, last, new.with_changes(comma=comma.with_changes(whitespace_after=ends))]
