"""A Python file as LibCST reads it: the place where it creates the application, and edits that keep all else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import libcst as cst

#: The arguments of ``Flask`` that matter to files.
_FOLDERS = ("static_folder", "static_url_path", "template_folder")
#: A statement of a module or a function.
Statement = cst.SimpleStatementLine | cst.BaseCompoundStatement


@dataclass(frozen=True, slots=True)
class Place:
    """The place where a file creates the application.

    :param name: the variable.
    :param factory: the function that creates it; None at module level.
    :param takes_nothing: whether the factory can be called without arguments.
    :param call: ``Flask(…)``.
    """

    name: str
    factory: str | None
    takes_nothing: bool
    call: cst.Call

    @property
    def folders(self) -> dict[str, str | None]:
        """The folders that ``Flask(…)`` is given, if they are literals: the argument → its value."""
        found: dict[str, str | None] = {}
        for argument in self.call.args:
            name = argument.keyword.value if argument.keyword is not None else ""
            value = argument.value
            if name in _FOLDERS and isinstance(value, cst.SimpleString):
                found[name] = str(value.evaluated_value)
            elif name in _FOLDERS and isinstance(value, cst.Name) and value.value == "None":
                found[name] = None
        return found


class Source:
    """The text of a Python file, to which statements are added."""

    def __init__(self, text: str) -> None:
        self._module = cst.parse_module(text)

    @property
    def text(self) -> str:
        """The file's text."""
        return self._module.code

    def find_app(self) -> Place | None:
        """Find the application: at module level, or in a function."""
        for statement in self._module.body:
            if (found := _creates_app(statement)) is not None:
                return Place(found[0], None, True, found[1])
            if isinstance(statement, cst.FunctionDef):
                for inner in statement.body.body:
                    if (found := _creates_app(inner)) is not None:
                        return Place(found[0], statement.name.value, _takes_nothing(statement), found[1])
        return None

    def body(self, function: str | None = None) -> list[Any]:
        """Return the statements of the module, or of a function at its top level."""
        if function is None:
            return [*self._module.body]
        return [*self._function(function).body.body]

    def code(self, node: cst.CSTNode) -> str:
        """Return the text of a statement, without the empty lines and comments before it."""
        if isinstance(node, cst.SimpleStatementLine | cst.FunctionDef | cst.If | cst.Try | cst.With | cst.ClassDef):
            node = node.with_changes(leading_lines=[])
        return self._module.code_for_node(node).strip()

    def insert(self, index: int, texts: Sequence[str], *, function: str | None = None, empty_lines: int = 0) -> None:
        """Insert statements.

        :param index: their place among the statements of the module, or of the function.
        :param empty_lines: how many empty lines come before the first.
        """
        new: list[Any] = [cst.parse_statement(text, config=self._module.config_for_parsing) for text in texts]
        lines = [cst.EmptyLine(indent=False)] * empty_lines
        new[0] = new[0].with_changes(leading_lines=[*lines, *new[0].leading_lines])
        if function is None:
            body = list(self._module.body)
            self._module = self._module.with_changes(body=[*body[:index], *new, *body[index:]])
            return
        old = self._function(function)
        body = [*old.body.body]
        changed = old.with_changes(body=old.body.with_changes(body=[*body[:index], *new, *body[index:]]))
        self._module = self._module.with_changes(
            body=[changed if statement is old else statement for statement in self._module.body]
        )

    def set_apart(self, index: int) -> None:
        """Put two empty lines before a statement of the module, if it has fewer."""
        statement = self._module.body[index]
        missing = 2 - sum(line.comment is None for line in statement.leading_lines)
        lines = [*[cst.EmptyLine(indent=False)] * missing, *statement.leading_lines]
        self._replace(index, statement.with_changes(leading_lines=lines))

    def end_of_paragraph(self, index: int, function: str) -> int:
        """Return the index behind the statements that follow without an empty line between them."""
        body = self.body(function)
        while index < len(body) and not body[index].leading_lines and not isinstance(body[index], cst.FunctionDef):
            if self.code(body[index]).startswith("return"):
                break
            index += 1
        return index

    def import_name(self, module: str, name: str) -> None:
        """Import a name: from the statement that imports from the module already, else by a new one, in order."""
        if self.imports_of(name) == module:
            return
        for index, statement in enumerate(self._module.body):
            found = _import_from(statement)
            if found is not None and _module_name(found) == module:
                if not isinstance(found.names, cst.ImportStar):
                    self._replace(index, statement.with_deep_changes(found, names=_with_name(found.names, name)))
                return
        self._import_new(module, name)

    def quote(self, text: str) -> str:
        """Return a text as a literal with the quotes that the file has most of."""
        mark = "'" if self.text.count("'") > self.text.count('"') else '"'
        return f"{mark}{text}{mark}"

    def imports_of(self, name: str) -> str | None:
        """Return the module from which the file imports a name; None if it does not."""
        for statement in self._module.body:
            found = _import_from(statement)
            if found is not None and not isinstance(found.names, cst.ImportStar):
                for alias in found.names:
                    if alias.name.value == name and alias.asname is None:
                        return _module_name(found)
        return None

    def last_import(self) -> int:
        """Return the index behind the imports at the head of the module, and its docstring."""
        last = int(bool(self._module.body) and self._module.get_docstring() is not None)
        for index, statement in enumerate(self._module.body):
            if _is_import(statement):
                last = index + 1
        return last

    def _import_new(self, module: str, name: str) -> None:
        """Add an import to the block of Flask's and its extensions', in the order of the names."""
        block = self._flask_block()
        text = f"from {module} import {name}"
        if not block:
            has_docstring = self._module.get_docstring() is not None
            self.insert(self.last_import(), [text], empty_lines=int(has_docstring and self.last_import() == 1))
            return
        before = [index for index in block if self._imported(index) < module]
        if before:
            self.insert(before[-1] + 1, [text])
            return
        # The comments and empty lines above the block stay there.
        first = self._module.body[block[0]]
        self._replace(block[0], first.with_changes(leading_lines=[]))
        self.insert(block[0], [text])
        self._replace(block[0], self._module.body[block[0]].with_changes(leading_lines=first.leading_lines))

    def _flask_block(self) -> list[int]:
        """Return the indexes of the imports that stand together with Flask's or an extension's."""
        blocks: list[list[int]] = []
        body = self.body()
        for index, statement in enumerate(body):
            if not _is_import(statement):
                continue
            starts = any(line.comment is None for line in statement.leading_lines)
            if starts or not blocks or blocks[-1][-1] != index - 1:
                blocks.append([])
            blocks[-1].append(index)
        return next((block for block in blocks if any("flask" in self.code(body[index]) for index in block)), [])

    def _imported(self, index: int) -> str:
        """Return the module that an import names; "import x" comes before all "from x import y"."""
        statement = self._module.body[index]
        found = _import_from(statement)
        return _module_name(found) if found is not None else ""

    def _function(self, name: str) -> cst.FunctionDef:
        return next(
            statement
            for statement in self._module.body
            if isinstance(statement, cst.FunctionDef) and statement.name.value == name
        )

    def _replace(self, index: int, statement: Any) -> None:
        body = list(self._module.body)
        body[index] = statement
        self._module = self._module.with_changes(body=body)


def _creates_app(statement: cst.CSTNode) -> tuple[str, cst.Call] | None:
    """Return the variable and the call of ``app = Flask(…)``."""
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
    return (target.value, value) if isinstance(name, cst.Name) and name.value == "Flask" else None


def _takes_nothing(function: cst.FunctionDef) -> bool:
    given = [*function.params.posonly_params, *function.params.params, *function.params.kwonly_params]
    return all(parameter.default is not None for parameter in given)


def _is_import(statement: cst.CSTNode) -> bool:
    return isinstance(statement, cst.SimpleStatementLine) and isinstance(statement.body[0], cst.Import | cst.ImportFrom)


def _import_from(statement: cst.CSTNode) -> cst.ImportFrom | None:
    if isinstance(statement, cst.SimpleStatementLine) and isinstance(statement.body[0], cst.ImportFrom):
        return statement.body[0]
    return None


def _module_name(found: cst.ImportFrom) -> str:
    name = cst.Module([]).code_for_node(found.module) if found.module is not None else ""
    return "." * len(found.relative) + name


def _with_name(aliases: Iterable[cst.ImportAlias], name: str) -> list[cst.ImportAlias]:
    """Return the names of an import with one more, in their order if they have one."""
    old = list(aliases)
    names = [str(alias.name.value) for alias in old]
    is_sorted = names == sorted(names, key=_import_order)
    place = sum(_import_order(other) < _import_order(name) for other in names) if is_sorted else len(old)
    new = cst.ImportAlias(cst.Name(name))
    between: Any = old[-2].comma if len(old) > 1 else cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    if place < len(old):
        return [*old[:place], new.with_changes(comma=between), *old[place:]]
    return [*old[:-1], old[-1].with_changes(comma=between), new.with_changes(comma=old[-1].comma)]


def _import_order(name: str) -> tuple[int, str]:
    """Order names as isort does: constants, classes, the rest."""
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2
    return kind, name
