"""The names that Python code imports, mentions and assigns."""

from __future__ import annotations

import ast
from collections.abc import Iterator

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


def imported(tree: ast.Module) -> Iterator[str]:
    """Yield the last parts of the names and modules that a file imports, anywhere."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.name.rpartition(".")[2] for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.rpartition(".")[2]


def origins(tree: ast.Module) -> dict[str, set[str]]:
    """Return the names that a file imports from modules, each with the last parts of those modules; "" for ``.``."""
    found: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                found.setdefault(alias.name, set()).add((node.module or "").rpartition(".")[2])
    return found


def mentioned(node: ast.AST) -> frozenset[str]:
    """Return the names that code mentions: ``name``, ``.attribute``, and ``name.attribute``."""
    names = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            names.add(inner.id)
        elif isinstance(inner, ast.Attribute):
            names.add(f".{inner.attr}")
            if isinstance(inner.value, ast.Name):
                names.add(f"{inner.value.id}.{inner.attr}")
    return frozenset(names)


def assigned(function: FunctionNode, name: str) -> tuple[list[ast.expr | None], bool]:
    """Return the values that a function assigns to a name, None for those that are not known, and whether it does."""
    nodes = list(ast.walk(function))
    values: list[ast.expr | None] = [
        node.value
        for node in nodes
        if isinstance(node, ast.Assign)
        and len(node.targets) == 1
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id == name
    ]
    stores = sum(isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store) for node in nodes)
    if stores > len(values):
        values.append(None)
    return values, stores > 0
