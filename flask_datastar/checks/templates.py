"""Templates: their HTML, their calls of ``datastar``, macros, and other templates; and what their expressions are."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from typing import Any

from jinja2 import nodes

from .findings import Place, Source
from .fragments import Fragment
from .values import Bound, Imported, MacroInfo, Scope

#: Functions whose result is not HTML of their own.
_PLAIN = frozenset({"url_for", "get_flashed_messages", "caller", "super", "loop", "csrf_token"})
#: Functions that translate texts, which may be markup; the tag ``trans`` calls them, too.
_TRANSLATES = frozenset({"_", "gettext", "ngettext", "pgettext", "npgettext"})
_MARKUP = re.compile(r"<[^>]*\s(?:id|data-[\w-]+)\b")


@dataclass(frozen=True, eq=False)
class HelperCall:
    """A call of a method of ``datastar``."""

    method: str
    method_place: Place
    node: nodes.Call
    scope: Scope


@dataclass(eq=False)
class Template:
    """The contents of one template."""

    name: str
    source: Source
    #: Whether it belongs to the app, and not to an extension.
    is_own: bool
    fragment: Fragment
    #: ``extends``, ``include``, ``import`` → the expressions that name the other template.
    links: list[tuple[str, nodes.Node, Scope]] = field(default_factory=list)
    blocks: dict[str, Place] = field(default_factory=dict)
    macros: dict[str, MacroInfo] = field(default_factory=dict)
    helpers: list[HelperCall] = field(default_factory=list)
    #: Calls of names that may be macros.
    calls: list[tuple[nodes.Call, Scope]] = field(default_factory=list)
    #: Strings that are names of attributes, such as the keys of a dict.
    keys: list[tuple[str, Place]] = field(default_factory=list)
    #: Index of a gap → the expression that fills it.
    outputs: dict[int, tuple[nodes.Node, Scope]] = field(default_factory=dict)
    #: The syntax error that keeps it from being read.
    error: tuple[str, Place] | None = None
    #: For a template in a string of Python: the file and the function in which it stands.
    used_by: tuple[Any, Any] | None = None


def is_datastar(node: nodes.Node, scope: Scope) -> bool:
    """Return whether an expression is the global ``datastar``, also under another name."""
    if not isinstance(node, nodes.Name):
        return False
    bindings = scope.find(node.name)
    if bindings is None:
        return node.name == "datastar"
    return all(isinstance(one, Bound) and not one.is_item and is_datastar(one.node, one.scope) for one in bindings)


def keyword_place(name: str, value: nodes.Expr, source: Source) -> Place:
    """Return the place of a keyword, of which the tree has only the value."""
    start = start_of(value)
    found = source.text.rfind(name, 0, start)
    return Place(source, found if found >= 0 else start)


def is_plain(node: nodes.Node, scope: Scope, macros: Container[str] = ()) -> bool:
    """Return whether an expression in a page puts no elements of its own there, as far as can be known.

    :param macros: the names of the template's own macros, whose elements are known.
    """
    if isinstance(node, nodes.MarkSafeIfAutoescape):
        return is_plain(node.expr, scope, macros)
    if isinstance(node, nodes.Mod):
        return is_plain(node.left, scope, macros)
    if isinstance(node, nodes.Filter):
        return node.name != "safe" and (node.node is None or is_plain(node.node, scope, macros))
    if isinstance(node, nodes.Call):
        owner = node.node
        if isinstance(owner, nodes.Name) and owner.name in _TRANSLATES:
            return not any(isinstance(one, nodes.Const) and _MARKUP.search(str(one.value)) for one in node.args)
        if isinstance(owner, nodes.Name):
            return (
                owner.name in _PLAIN
                or owner.name in macros
                or any(isinstance(one, Imported) for one in scope.find(owner.name) or ())
            )
        if isinstance(owner, nodes.Getattr):
            if is_datastar(owner.node, scope) or isinstance(owner.node, nodes.Const):
                return True
            bindings = scope.find(owner.node.name) if isinstance(owner.node, nodes.Name) else None
            return any(isinstance(one, Imported) for one in bindings or ()) or owner.attr in _TEXT_METHODS
        return False
    return True


_TEXT_METHODS = frozenset(
    {"isoformat", "strftime", "format", "items", "get", "upper", "lower", "title", "strip", "join"}
)


def start_of(node: nodes.Node) -> int:
    """Return the first offset of an expression: calls and attributes have that of their bracket or dot."""
    return min(_offsets(node), default=0)


def _offsets(node: nodes.Node) -> Iterator[int]:
    # The operands of comparisons lack it.
    if node.lineno is not None:
        yield node.lineno
    for child in node.iter_child_nodes():
        yield from _offsets(child)
