"""A Python file as LibCST reads it: the place where it creates the application, and edits that keep all else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import libcst as cst

from .nodes import (
    assigned_call,
    creates_app,
    import_from,
    is_import,
    module_name,
    takes_nothing,
    with_argument,
    with_name,
)

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
            if (found := creates_app(statement)) is not None:
                return Place(found[0], None, True, found[1])
            if isinstance(statement, cst.FunctionDef):
                for inner in statement.body.body:
                    if (found := creates_app(inner)) is not None:
                        return Place(found[0], statement.name.value, takes_nothing(statement), found[1])
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

    def set_apart(self, index: int, empty_lines: int = 2) -> None:
        """Put empty lines before a statement of the module, if it has fewer."""
        statement = self._module.body[index]
        missing = empty_lines - sum(line.comment is None for line in statement.leading_lines)
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
            found = import_from(statement)
            if found is not None and module_name(found) == module:
                if not isinstance(found.names, cst.ImportStar):
                    self._replace(index, statement.with_deep_changes(found, names=with_name(found.names, name)))
                return
        self._import_new(module, name)

    def add_argument(self, name: str, called: str, text: str) -> bool:
        """Add a keyword argument to the call of ``name = called(…)`` at the top level of the module.

        :param text: such as ``key="value"``.
        :return: whether there is such a call.
        """
        for index, statement in enumerate(self._module.body):
            found = assigned_call(statement)
            if found is not None and found[0] == name and found[2] == called:
                arguments = with_argument(found[1], text)
                self._replace(index, statement.with_deep_changes(found[1], args=arguments))
                return True
        return False

    def quote(self, text: str) -> str:
        """Return a text as a literal with the quotes that the file has most of."""
        mark = "'" if self.text.count("'") > self.text.count('"') else '"'
        return f"{mark}{text}{mark}"

    def imports_of(self, name: str) -> str | None:
        """Return the module from which the file imports a name; None if it does not."""
        for statement in self._module.body:
            found = import_from(statement)
            if found is not None and not isinstance(found.names, cst.ImportStar):
                for alias in found.names:
                    if alias.name.value == name and alias.asname is None:
                        return module_name(found)
        return None

    def last_import(self) -> int:
        """Return the index behind the imports at the head of the module, and its docstring."""
        last = int(bool(self._module.body) and self._module.get_docstring() is not None)
        for index, statement in enumerate(self._module.body):
            if is_import(statement):
                last = index + 1
        return last

    def _import_new(self, module: str, name: str) -> None:
        """Add an import to the block of Flask's and its extensions', in the order of the names."""
        block = self._flask_block()
        text = f"from {module} import {name}"
        if not block:
            index, has_docstring = self.last_import(), self._module.get_docstring() is not None
            is_first = index == int(has_docstring)
            self.insert(index, [text], empty_lines=int(has_docstring and is_first))
            if is_first and index + 1 < len(self._module.body):
                is_block = isinstance(self._module.body[index + 1], cst.FunctionDef | cst.ClassDef)
                self.set_apart(index + 1, 2 if is_block else 1)
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
            if not is_import(statement):
                continue
            starts = any(line.comment is None for line in statement.leading_lines)
            if starts or not blocks or blocks[-1][-1] != index - 1:
                blocks.append([])
            blocks[-1].append(index)
        return next((block for block in blocks if any("flask" in self.code(body[index]) for index in block)), [])

    def _imported(self, index: int) -> str:
        """Return the module that an import names; "import x" comes before all "from x import y"."""
        statement = self._module.body[index]
        found = import_from(statement)
        return module_name(found) if found is not None else ""

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
