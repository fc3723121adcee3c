"""The names in the user's Python files, so that what ``init`` adds takes none of them."""

from __future__ import annotations

import ast
from collections.abc import Collection
from itertools import chain, count


def names_in(text: str) -> frozenset[str]:
    """Return the names that a file binds or uses, at any level; of an import those by which it is known there.

    :raises SyntaxError: if the text is not Python.
    """
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, ast.alias):
            found.add(node.asname or node.name.partition(".")[0])
    return frozenset(found)


def has_unknown_names(text: str) -> bool:
    """Check whether a file imports all names of a module of the user's, so that they cannot be known."""
    return any(
        isinstance(node, ast.ImportFrom) and node.names[0].name == "*" and (node.module != "flask" or node.level > 0)
        for node in ast.walk(ast.parse(text))
    )


def free_name(wanted: str, other: str, taken: Collection[str]) -> str:
    """Return a name that is not taken.

    :param other: the name to use instead of the wanted one, with a number if it is taken, too.
    """
    return next(name for name in chain((wanted, other), (f"{other}_{n}" for n in count(2))) if name not in taken)
