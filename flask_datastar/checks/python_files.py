"""Python files of an app, read by ``ast``: functions, calls of ``datastar``, patches, and strings."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from .findings import Place, Source
from .fragments import GAP, Fragment, Texts
from .literals import read_literal
from .names import FunctionNode, assigned, imported, mentioned, origins

_MOST = 50
_DEEPEST = 8


@dataclass(eq=False)
class Function:
    """One function or method."""

    node: FunctionNode
    qualname: str
    #: The qualified name of the class that it is a method of; empty for others.
    owner: str
    #: Every ``name``, ``.attribute`` and ``name.attribute`` that it mentions.
    mentions: frozenset[str]

    @property
    def name(self) -> str:
        """Its own name."""
        return self.node.name

    def names(self, module: str | None) -> tuple[str, ...]:
        """Return the ways in which other code mentions it."""
        if self.owner:
            return (f".{self.name}",)
        return (self.name, f"{(module or '').rpartition('.')[2]}.{self.name}")


@dataclass(eq=False)
class PythonFile:
    """One Python file."""

    source: Source
    #: The dotted name under which the process has imported it, or None.
    module: str | None
    tree: ast.Module
    #: The names under which it knows the extension.
    names: frozenset[str]
    functions: list[Function] = field(default_factory=list)
    #: Node → the function that it stands in.
    inside: dict[ast.AST, Function] = field(default_factory=dict)
    parents: dict[ast.AST, ast.AST] = field(default_factory=dict)
    #: Names and modules that it imports, anywhere: the last part of each.
    imports: frozenset[str] = frozenset()
    #: Name → the last parts of the modules that it imports it from; "" for its own package.
    origins: dict[str, set[str]] = field(default_factory=dict)
    #: Name → the values that it is assigned at module level.
    constants: dict[str, list[ast.expr]] = field(default_factory=dict)
    #: Class and name → the values that its body and its methods assign to an attribute.
    attributes: dict[tuple[str, str], list[ast.expr | None]] = field(default_factory=dict)

    def place(self, node: ast.AST, *, end: bool = False) -> Place:
        """Return the place at which a node starts, or ends."""
        line, column = (
            (node.end_lineno, node.end_col_offset) if end else (node.lineno, node.col_offset)  # type: ignore[attr-defined]
        )
        start = self.source.offset(line, 0)
        # ``ast`` counts bytes.
        text = self.source.text[start : start + column]
        while len(text.encode()) > column:
            text = text[:-1]
        return Place(self.source, start + len(text))

    def function_of(self, node: ast.AST) -> Function | None:
        """Return the innermost function that a node stands in."""
        return self.inside.get(node)

    def imports_from(self, name: str, module: str | None) -> bool:
        """Return whether it imports a name from a module, or from a package that may pass it on."""
        sources = self.origins.get(name, set()) | self.origins.get("*", set())
        return bool(sources) if module is None else not sources.isdisjoint(["", *module.split(".")])

    def is_extension(self, node: ast.AST) -> bool:
        """Return whether an expression is the extension, as far as names tell."""
        if isinstance(node, ast.Name):
            return node.id in self.names
        return isinstance(node, ast.Attribute) and node.attr in self.names

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """All nodes of its tree."""
        return tuple(ast.walk(self.tree))

    @cached_property
    def calls(self) -> tuple[ast.Call, ...]:
        """All calls."""
        return tuple(node for node in self.nodes if isinstance(node, ast.Call))

    def patterns(self, node: ast.AST | None, depth: int = 0) -> tuple[str, ...]:
        """Return the texts that an expression may be, with gaps for their computed parts."""
        if depth > _DEEPEST or node is None:
            return (GAP,)
        match node:
            case ast.Constant(value=str() | int() as value) if not isinstance(value, bool):
                return (str(value),)
            case ast.JoinedStr(values=values):
                return self._joined(values, depth)
            case ast.FormattedValue(value=value, conversion=-1, format_spec=None):
                return self.patterns(value, depth + 1)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return self._joined([left, right], depth)
            case ast.BinOp(left=ast.Constant(value=str() as text), op=ast.Mod()):
                return (re.sub(r"%(?:\(\w+\))?[-+ #0]*\d*(?:\.\d+)?[a-zA-Z]", GAP, text).replace("%%", "%"),)
            case ast.Call(func=ast.Attribute(value=ast.Constant(value=str() as text), attr="format")):
                return (re.sub(r"\{[^{}]*\}", GAP, text),)
            case ast.IfExp(body=body, orelse=orelse):
                return (*self.patterns(body, depth + 1), *self.patterns(orelse, depth + 1))
            case ast.Name(id=name):
                return self._of_name(node, name, depth)
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name):
                function = self.function_of(node)
                of_class = self.attributes.get((function.owner, name), []) if function is not None else []
                return tuple(text for value in of_class for text in self.patterns(value, depth + 1)) or (GAP,)
        return (GAP,)

    def _of_name(self, node: ast.Name, name: str, depth: int) -> tuple[str, ...]:
        function = self.function_of(node)
        if function is not None:
            arguments = function.node.args
            if any(one.arg == name for one in [*arguments.args, *arguments.kwonlyargs, *arguments.posonlyargs]):
                return (GAP,)
            values, is_local = assigned(function.node, name)
            if is_local:
                return tuple(text for value in values for text in self.patterns(value, depth + 1)) or (GAP,)
        found = [text for value in self.constants.get(name, ()) for text in self.patterns(value, depth + 1)]
        return tuple(found) or (GAP,)

    def _joined(self, parts: list[ast.expr], depth: int) -> tuple[str, ...]:
        found = [""]
        for part in parts:
            texts = self.patterns(part, depth + 1)
            found = [before + text for before in found for text in texts][:_MOST]
        return tuple(found)

    @cached_property
    def strings(self) -> list[tuple[ast.Constant | ast.JoinedStr, Fragment]]:
        """The string literals that have a tag or a Jinja expression, without docstrings, as fragments."""
        return list(self._strings())

    def _strings(self) -> Iterator[tuple[ast.Constant | ast.JoinedStr, Fragment]]:
        for node in self.nodes:
            parent = self.parents.get(node)
            if isinstance(parent, ast.Expr | ast.JoinedStr | ast.FormattedValue) and not isinstance(
                node, ast.JoinedStr
            ):
                continue
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                if "<" in node.value or "{{" in node.value or "{%" in node.value:
                    yield node, read_literal(self.source, self.place(node).offset, self.place(node, end=True).offset)
            elif isinstance(node, ast.JoinedStr) and not isinstance(parent, ast.FormattedValue):
                gaps = [self._gap(value) for value in node.values if isinstance(value, ast.FormattedValue)]
                start, end = self.place(node).offset, self.place(node, end=True).offset
                yield node, read_literal(self.source, start, end, gaps)

    def _gap(self, value: ast.FormattedValue) -> _Gap:
        return _Gap(self, value)


@dataclass(frozen=True, eq=False)
class _Gap:
    file: PythonFile
    value: ast.FormattedValue

    def __call__(self) -> Texts:
        texts = self.file.patterns(self.value)
        return None if any(GAP in text for text in texts) else texts


def read_python(source: Source, module: str | None, namespace: Mapping[str, object], extension: object) -> PythonFile:
    """Read a Python file.

    :param namespace: the names of the imported module, which tell the extension; empty if it is not imported.
    :raises SyntaxError: if it is not Python.
    """
    with warnings.catch_warnings():
        # The warnings about a user's code are not for this command to show.
        warnings.simplefilter("ignore")
        tree = ast.parse(source.text)
    names = {name for name, value in namespace.items() if value is extension}
    names |= {"datastar"} if namespace.get("datastar", extension) is extension else set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            made = node.value.func
            if getattr(made, "attr", getattr(made, "id", "")) == "Datastar":
                names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    file = PythonFile(source, module, tree, frozenset(names), imports=frozenset(imported(tree)), origins=origins(tree))
    _index(file, tree, "", "", None)
    for statement in tree.body:
        if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
            for target in statement.targets if isinstance(statement, ast.Assign) else [statement.target]:
                if isinstance(target, ast.Name):
                    file.constants.setdefault(target.id, []).append(statement.value)
    return file


def _index(file: PythonFile, node: ast.AST, prefix: str, owner: str, function: Function | None) -> None:
    for child in ast.iter_child_nodes(node):
        file.parents[child] = node
        if function is not None:
            file.inside[child] = function
        if isinstance(child, FunctionNode):
            qualname = f"{prefix}{child.name}"
            found = Function(child, qualname, owner, mentioned(child))
            file.functions.append(found)
            _index(file, child, f"{qualname}.<locals>.", "", found)
        elif isinstance(child, ast.ClassDef):
            _add_attributes(file, child, f"{prefix}{child.name}")
            _index(file, child, f"{prefix}{child.name}.", f"{prefix}{child.name}", function)
        else:
            _index(file, child, prefix, owner, function)


def _add_attributes(file: PythonFile, cls: ast.ClassDef, qualname: str) -> None:
    for statement in cls.body:
        if isinstance(statement, ast.Assign | ast.AnnAssign):
            for target in statement.targets if isinstance(statement, ast.Assign) else [statement.target]:
                if isinstance(target, ast.Name):
                    file.attributes.setdefault((qualname, target.id), []).append(statement.value)
    for node in ast.walk(cls):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.ctx, ast.Store)
            and getattr(node.value, "id", "") == "self"
        ):
            file.attributes.setdefault((qualname, node.attr), []).append(None)
