"""The reading of templates by Jinja's own lexer and parser."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.lexer import TokenStream
from jinja2.parser import Parser

from .findings import Place, Source
from .fragments import Fragment, Texts
from .templates import HelperCall, Template, is_datastar, start_of
from .values import Bound, Imported, MacroInfo, Parameter, Scope, bind_target, texts_of

#: The whole name of an attribute in a string.
_NAME = re.compile(r"data-[\w:.-]+")


def read_template(environment: Environment, name: str, source: Source, *, is_own: bool) -> Template:
    """Read a template; if its syntax is wrong, ``error`` says so."""
    template = Template(name, source, is_own, Fragment(source))
    try:
        tree = _parse(environment, source.text, name)
    except TemplateSyntaxError as error:
        offset = min(error.lineno, len(source.text))
        template.error = (error.message or "wrong syntax", Place(source, offset))
        return template
    _Walk(template).visit_all(tree.body, Scope(source))
    return template


def _parse(environment: Environment, text: str, name: str) -> nodes.Template:
    """Parse a template into a tree whose nodes have offsets in place of line numbers: nodes know no columns."""
    parser = Parser(environment, text, name)
    lexer = environment.lexer
    stream = TokenStream(lexer.wrap(_with_offsets(environment, text, name), name), name, None)
    for extension in environment.iter_extensions():
        filtered = extension.filter_stream(stream)
        stream = filtered if isinstance(filtered, TokenStream) else TokenStream(iter(filtered), name, None)
    parser.stream = stream
    return parser.parse()


def _with_offsets(environment: Environment, text: str, name: str) -> Iterator[tuple[int, str, str]]:
    cursor = 0
    try:
        for _, kind, value in environment.lexer.tokeniter(text, name):
            # Only white space that the template strips stands between two tokens.
            offset = text.index(value, cursor)
            cursor = offset + len(value)
            yield offset, kind, value
    except TemplateSyntaxError as error:
        error.lineno = cursor
        raise


class _Walk:
    """One pass through a template in the order of its text."""

    def __init__(self, template: Template) -> None:
        self._template = template
        self._source = template.source

    def visit_all(self, body: Sequence[nodes.Node], scope: Scope) -> None:
        for node in body:
            self._visit(node, scope)

    def _visit(self, node: nodes.Node, scope: Scope) -> None:
        match node:
            case nodes.Output():
                for child in node.nodes:
                    self._output(child, scope)
            case nodes.For():
                self._loop(node, scope)
            case nodes.If():
                self._expression(node.test, scope)
                self._branches(node, scope, node.body, node.elif_, node.else_)
            case nodes.Macro():
                self._macro(node, scope)
            case nodes.CallBlock():
                self._call_block(node, scope)
            case nodes.With():
                self._with(node, scope)
            case nodes.Block():
                self._template.blocks[node.name] = Place(self._source, node.lineno)
                self.visit_all(node.body, Scope(self._source, scope))
            case nodes.Assign():
                self._assign(node.target, node.node, scope, scope)
            case nodes.AssignBlock():
                bind_target(node.target, scope, lambda index: None)
                self._branches(node, scope, node.body)
            case nodes.Extends() | nodes.Include() | nodes.Import() | nodes.FromImport():
                self._link(node, scope)
            case nodes.Expr():
                self._expression(node, scope)
            case _:
                # Others only have more of these in them.
                for part in node.iter_child_nodes():
                    self._visit(part, scope)

    def _loop(self, node: nodes.For, scope: Scope) -> None:
        self._expression(node.iter, scope)
        inner = Scope(self._source, scope)
        bind_target(node.target, inner, lambda index: Bound(node.iter, scope, True, index))
        inner.bind("loop", None)
        self._branches(node, inner, node.body, node.else_)

    def _call_block(self, node: nodes.CallBlock, scope: Scope) -> None:
        self._expression(node.call, scope)
        inner = Scope(self._source, scope)
        for argument in node.args:
            inner.bind(argument.name, None)
        self.visit_all(node.body, inner)

    def _with(self, node: nodes.With, scope: Scope) -> None:
        inner = Scope(self._source, scope)
        for target, value in zip(node.targets, node.values, strict=True):
            self._assign(target, value, scope, inner)
        self.visit_all(node.body, inner)

    def _output(self, node: nodes.Node, scope: Scope) -> None:
        fragment = self._template.fragment
        if isinstance(node, nodes.TemplateData):
            # Text that an extension of Jinja has made is in no place of the file.
            if self._source.text.startswith(node.data, node.lineno):
                fragment.add(node.data, node.lineno)
            return
        self._expression(node, scope)
        fragment.add_gap(start_of(node), partial(_texts, node, scope))
        self._template.outputs[len(fragment.text) - 1] = (node, scope)

    def _branches(self, node: nodes.Node, scope: Scope, *bodies: Sequence[nodes.Node]) -> None:
        for body in bodies:
            if body:
                self._template.fragment.add_branch(node.lineno)
                self.visit_all(body, scope)
        self._template.fragment.add_branch(node.lineno)

    def _macro(self, node: nodes.Macro, scope: Scope) -> None:
        inner = Scope(self._source, scope)
        macro = MacroInfo(node, scope)
        self._template.macros[node.name] = macro
        for argument in node.args:
            inner.bind(argument.name, Parameter(macro, argument.name))
        for special in ("kwargs", "varargs", "caller"):
            inner.bind(special, None)
        for default in node.defaults:
            self._expression(default, scope)
        self._branches(node, inner, node.body)

    def _assign(self, target: nodes.Node, value: nodes.Node, scope: Scope, inner: Scope) -> None:
        self._expression(value, scope)
        if isinstance(target, nodes.Tuple) and isinstance(value, nodes.Tuple) and len(target.items) == len(value.items):
            for name, part in zip(target.items, value.items, strict=True):
                bind_target(name, inner, lambda index, part=part: Bound(part, scope))  # type: ignore[misc]
        else:
            bind_target(target, inner, lambda index: Bound(value, scope) if index is None else None)

    def _link(self, node: nodes.Extends | nodes.Include | nodes.Import | nodes.FromImport, scope: Scope) -> None:
        kind = "import" if isinstance(node, nodes.Import | nodes.FromImport) else type(node).__name__.lower()
        # A missing include, or one of several, may be meant.
        is_optional = getattr(node, "ignore_missing", False) or isinstance(node.template, nodes.List | nodes.Tuple)
        self._template.links.append((f"{kind}?" if is_optional else kind, node.template, scope))
        if isinstance(node, nodes.Import):
            scope.bind(node.target, Imported(node.template, scope, None))
        elif isinstance(node, nodes.FromImport):
            for name in node.names:
                imported, target = name if isinstance(name, tuple) else (name, name)
                scope.bind(target, Imported(node.template, scope, imported))

    def _expression(self, node: nodes.Node, scope: Scope) -> None:
        if isinstance(node, nodes.Call):
            owner = node.node
            if isinstance(owner, nodes.Getattr) and is_datastar(owner.node, scope):
                place = self._name_place(owner.attr, owner.lineno)
                self._template.helpers.append(HelperCall(owner.attr, place, node, scope))
            elif isinstance(owner, nodes.Name | nodes.Getattr):
                self._template.calls.append((node, scope))
        elif isinstance(node, nodes.Const) and isinstance(node.value, str) and _NAME.fullmatch(node.value):
            self._template.keys.append((node.value, Place(self._source, node.lineno)))
        for child in node.iter_child_nodes():
            self._expression(child, scope)

    def _name_place(self, name: str, offset: int) -> Place:
        found = self._source.text.find(name, offset)
        return Place(self._source, found if found >= 0 else offset)


def _texts(node: nodes.Node, scope: Scope) -> Texts:
    known = texts_of(node, scope)
    return None if known is None else tuple(one.text for one in known)
