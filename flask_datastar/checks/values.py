"""Values in templates that are known without rendering: literals, names set to them, loops, macro arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from jinja2 import nodes

from .findings import Place, Source

_MOST = 100
_DEEPEST = 12


@dataclass(frozen=True)
class Text:
    """A text that is known, and where it is written."""

    text: str
    place: Place


#: All texts that a value may be, or None if some are not known.
Known = tuple[Text, ...] | None
#: The items of a loop with their scopes, or None if they are not known.
Items: TypeAlias = "list[tuple[nodes.Node, Scope]] | None"


@dataclass(frozen=True, eq=False)
class Bound:
    """A name that stands for an expression; with ``index`` for a part of each item of it."""

    node: nodes.Node
    scope: Scope
    is_item: bool = False
    index: int | None = None


@dataclass(frozen=True, eq=False)
class Parameter:
    """A name that is a parameter of a macro."""

    macro: MacroInfo
    name: str


@dataclass(frozen=True, eq=False)
class Imported:
    """A name that an import gives: a macro of another template, or with ``name`` None the template itself."""

    template: nodes.Node
    scope: Scope
    name: str | None


Binding = Bound | Parameter | Imported | None


@dataclass(eq=False)
class Scope:
    """The names that are set at a place of a template. All values that a name is set to count."""

    source: Source
    parent: Scope | None = None
    names: dict[str, list[Binding]] = field(default_factory=dict)

    def bind(self, name: str, binding: Binding) -> None:
        """Add a value of a name."""
        self.names.setdefault(name, []).append(binding)

    def find(self, name: str) -> list[Binding] | None:
        """Return the values of a name, None for a name that comes from outside of the template."""
        if name in self.names:
            return self.names[name]
        return self.parent.find(name) if self.parent is not None else None


@dataclass(eq=False)
class MacroInfo:
    """One macro with all calls of it."""

    node: nodes.Macro
    scope: Scope
    calls: list[tuple[nodes.Call, Scope]] = field(default_factory=list)
    #: Whether something else calls it, too, such as a patch.
    has_other_calls: bool = False

    def argument(self, call: nodes.Call, name: str) -> nodes.Expr | None:
        """Return the argument that a call gives a parameter, else its default, else None."""
        for keyword in call.kwargs:
            if keyword.key == name:
                return keyword.value
        names = [argument.name for argument in self.node.args]
        position = names.index(name)
        if position < len(call.args):
            return call.args[position]
        from_end = len(names) - position
        return self.node.defaults[-from_end] if from_end <= len(self.node.defaults) else None


def texts_of(node: nodes.Node, scope: Scope, depth: int = 0) -> Known:
    """Return all texts that an expression may be, None if some are not known."""
    if depth > _DEEPEST:
        return None
    match node:
        case nodes.Const(value=str() | int() | float() as value) if not isinstance(value, bool):
            return (Text(str(value), Place(scope.source, node.lineno)),)
        case nodes.Const(value=None):
            return None
        case nodes.Concat(nodes=parts):
            return _joined(parts, scope, depth)
        case nodes.Add(left=left, right=right):
            return _joined([left, right], scope, depth)
        case nodes.CondExpr(expr1=first, expr2=second):
            empty = (Text("", Place(scope.source, node.lineno)),)
            return _any_of([texts_of(first, scope, depth + 1), texts_of(second, scope, depth + 1) if second else empty])
        case nodes.Filter(node=inner, name="e" | "escape" | "safe" | "string" | "trim") if inner is not None:
            return texts_of(inner, scope, depth + 1)
        case nodes.MarkSafe(expr=inner):
            return texts_of(inner, scope, depth + 1)
        case nodes.Name(name=name):
            bindings = scope.find(name)
            return _any_of([_texts_of_binding(one, depth + 1) for one in bindings]) if bindings else None
    return None


def _texts_of_binding(binding: Binding, depth: int) -> Known:
    if isinstance(binding, Bound):
        if not binding.is_item:
            return texts_of(binding.node, binding.scope, depth)
        items = items_of(binding.node, binding.scope, depth)
        if items is None:
            return None
        return _any_of([texts_of(part, scope, depth) for part, scope in _parts(items, binding.index)])
    if isinstance(binding, Parameter):
        macro = binding.macro
        if macro.has_other_calls or not macro.calls:
            return None
        found: list[Known] = []
        for call, scope in macro.calls:
            if call.dyn_args is not None or call.dyn_kwargs is not None:
                return None
            argument = macro.argument(call, binding.name)
            is_default = argument in macro.node.defaults
            found.append(texts_of(argument, macro.scope if is_default else scope, depth) if argument else None)
        return _any_of(found)
    return None


def items_of(node: nodes.Node, scope: Scope, depth: int = 0) -> Items:
    """Return the items of a literal that is looped over, None if they are not known."""
    if depth > _DEEPEST:
        return None
    match node:
        case nodes.List(items=items) | nodes.Tuple(items=items):
            return [(item, scope) for item in items]
        case nodes.Dict(items=pairs):
            return [(pair.key, scope) for pair in pairs]
        case nodes.Call(node=nodes.Getattr(node=inner, attr="items" | "keys" | "values" as attr)):
            return _items_of_dict(_pairs_of(inner, scope, depth + 1), attr)
        case nodes.Filter(node=inner, name="list" | "sort" | "reverse" | "unique") if inner is not None:
            return items_of(inner, scope, depth + 1)
        case nodes.Name(name=name):
            return _items_of_name(scope.find(name), depth + 1)
    return None


def _items_of_name(bindings: list[Binding] | None, depth: int) -> Items:
    found: list[tuple[nodes.Node, Scope]] = []
    for binding in bindings or [None]:
        if not isinstance(binding, Bound) or binding.is_item:
            return None
        more = items_of(binding.node, binding.scope, depth)
        if more is None:
            return None
        found += more
    return found


def _items_of_dict(pairs: list[tuple[nodes.Pair, Scope]] | None, attr: str) -> Items:
    if pairs is None:
        return None
    if attr == "keys":
        return [(pair.key, scope) for pair, scope in pairs]
    if attr == "values":
        return [(pair.value, scope) for pair, scope in pairs]
    return [(nodes.Tuple([pair.key, pair.value], "load", lineno=pair.lineno), scope) for pair, scope in pairs]


def _pairs_of(node: nodes.Node, scope: Scope, depth: int) -> list[tuple[nodes.Pair, Scope]] | None:
    if isinstance(node, nodes.Dict):
        return [(pair, scope) for pair in node.items]
    if isinstance(node, nodes.Name) and depth < _DEEPEST:
        bindings = scope.find(node.name)
        if bindings is not None and len(bindings) == 1 and isinstance(bindings[0], Bound) and not bindings[0].is_item:
            return _pairs_of(bindings[0].node, bindings[0].scope, depth + 1)
    return None


def _parts(items: list[tuple[nodes.Node, Scope]], index: int | None) -> Iterable[tuple[nodes.Node, Scope]]:
    for item, scope in items:
        if index is None:
            yield item, scope
        elif isinstance(item, nodes.Tuple | nodes.List) and index < len(item.items):
            yield item.items[index], scope
        else:
            yield nodes.Const(None, lineno=item.lineno), scope


def _joined(parts: Iterable[nodes.Node], scope: Scope, depth: int) -> Known:
    found: tuple[Text, ...] | None = None
    for part in parts:
        texts = texts_of(part, scope, depth + 1)
        if texts is None or len(texts) * len(found or ()) > _MOST:
            return None
        if found is None:
            found = texts
        else:
            # The last part names the handler, the signal or the template; those before are prefixes.
            found = tuple(
                Text(before.text + text.text, text.place if text.text else before.place)
                for before in found
                for text in texts
            )
    return found


def _any_of(choices: Iterable[Known]) -> Known:
    found: list[Text] = []
    for texts in choices:
        if texts is None:
            return None
        found += texts
    return tuple(found) if len(found) <= _MOST else None


def bind_target(target: nodes.Node, scope: Scope, binding: Callable[[int | None], Binding]) -> None:
    """Bind the names of a loop's or an assignment's target."""
    if isinstance(target, nodes.Name):
        scope.bind(target.name, binding(None))
    elif isinstance(target, nodes.Tuple):
        for index, item in enumerate(target.items):
            if isinstance(item, nodes.Name):
                scope.bind(item.name, binding(index))
