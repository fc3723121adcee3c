"""The HTML of templates and of Python strings: mistakes in its attributes, and its ids and signals."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from jinja2 import nodes

from .attributes import Client, check_attribute
from .client import ATTRIBUTES
from .expressions import object_keys, signals
from .findings import Finding, Place, finding
from .fragments import BRANCH, GAP, Attribute, Fragment, Tag, read_scripts, read_tags
from .project import VERBS
from .python_files import PythonFile
from .templates import Template, is_datastar, is_plain
from .values import Scope

#: A function that yields mistakes of the URLs in an expression, with their indexes.
CheckUrls = Callable[[str], Iterator[tuple[int, str]]]

_SCRIPT_ID = re.compile(r"""\bid\s*[:=]\s*['"`]([^'"`$]+)""")
_MERGES = re.compile(r"\b(?:mergePatch|mergePaths|setPath|innerHTML|insertAdjacentHTML)\b")


@dataclass
class Facts:
    """The ids and signals of some HTML."""

    #: Texts with gaps.
    ids: list[str] = field(default_factory=list)
    #: Path of a signal that it sets → the first place.
    sets: dict[str, Place] = field(default_factory=dict)
    #: Path of a signal that an expression assigns → the first place.
    assigned: dict[str, Place] = field(default_factory=dict)
    #: Paths of signals that something else than an assignment sets.
    declared: set[str] = field(default_factory=set)
    #: Path of a signal that an input is bound to → the place of its name.
    bound: dict[str, Place] = field(default_factory=dict)
    #: Paths of signals that its expressions read.
    reads: list[tuple[str, Place]] = field(default_factory=list)
    #: Whether it may set more signals, or have more elements, than are known.
    is_open: bool = False
    #: The text of its scripts.
    scripts: str = ""


def read_facts(fragment: Fragment, prefix: str, filled: Callable[[int], object | None]) -> Facts:
    """Read the ids and signals of a fragment.

    :param prefix: of the client's attributes, such as ``data-``.
    :param filled: returns the expression of a gap: a :class:`Filling`, or None.
    """
    facts = Facts(scripts=read_scripts(fragment))
    facts.ids += _SCRIPT_ID.findall(facts.scripts)
    facts.is_open = bool(_MERGES.search(facts.scripts))
    for tag in read_tags(fragment):
        for attribute in tag.attributes:
            name = attribute.name.lower()
            if name == "id" and attribute.value:
                facts.ids += fragment.pattern(attribute.value_start, attribute.value_end)
            elif name == f"{prefix}attr:id":
                facts.ids.append(GAP)
            elif name.startswith(prefix) and not tag.is_ignored:
                _read_attribute(fragment, attribute, len(prefix), facts, filled)
    return facts


def _read_attribute(
    fragment: Fragment, attribute: Attribute, start: int, facts: Facts, filled: Callable[[int], object | None]
) -> None:
    base, *modifiers = attribute.name[start:].split("__")
    plugin, _, key = base.lower().partition(":")
    value = attribute.value or ""
    if plugin in ("ignore", "ignore-morph", "preserve-attr", "nonce") or plugin not in ATTRIBUTES:
        return
    if ATTRIBUTES[plugin].names_signal:
        if key:
            is_known = GAP not in key and BRANCH not in key
            names: tuple[str, ...] | None = (_cased(key, modifiers),) if is_known else None
        elif plugin in ("signals", "computed"):
            names = _object_names(fragment, attribute, filled)
        else:
            names = fragment.texts(attribute.value_start, attribute.value_end) if value else ()
        if names is None:
            facts.is_open = True
        for name in names or ():
            facts.sets.setdefault(name, fragment.place(attribute.start))
            facts.declared.add(name)
            if plugin == "bind":
                at = attribute.start + start + len("bind:") if key else attribute.value_start
                facts.bound.setdefault(name, fragment.place(at))
    if plugin in ("bind", "ref", "indicator"):
        return
    for name, index, is_set in signals(value):
        place = fragment.place(attribute.value_start + index)
        if is_set:
            facts.sets.setdefault(name, place)
            if value[index + 1 + len(name) :][:1] != GAP:
                facts.assigned.setdefault(name, place)
        else:
            facts.reads.append((name, place))


def _object_names(
    fragment: Fragment, attribute: Attribute, filled: Callable[[int], object | None]
) -> tuple[str, ...] | None:
    """Return the names of an object of signals, None if some are not known."""
    value = attribute.value or ""
    keys = object_keys(value.replace(BRANCH, " "))
    if keys is not None:
        return tuple(name for name, _ in keys)
    if value.strip() != GAP:
        return None
    found = filled(attribute.value_start + value.index(GAP))
    return found.signal_names() if isinstance(found, Filling) else None


def _cased(key: str, modifiers: list[str]) -> str:
    cases = [part for modifier in modifiers if modifier.startswith("case.") for part in modifier.split(".")[1:]]
    name = key
    for case in cases or ["camel"]:
        if case in ("camel", "pascal"):
            name = re.sub(r"-([a-z])", lambda match: match[1].upper(), name)
            name = name[:1].upper() + name[1:] if case == "pascal" else name
        elif case == "snake":
            name = name.replace("-", "_")
    return name


@dataclass(frozen=True)
class Filling:
    """The expression of a gap in a template."""

    node: nodes.Node
    scope: Scope

    @property
    def method(self) -> str:
        """The method of ``datastar`` that it calls; empty for anything else."""
        owner = self.node.node if isinstance(self.node, nodes.Call) else None
        if isinstance(owner, nodes.Getattr) and is_datastar(owner.node, self.scope):
            return str(owner.attr)
        return ""

    def signal_names(self) -> tuple[str, ...] | None:
        """Return the names of the signals that it writes as an object, None if some are not known."""
        node = self.node
        if self.method == "init_signals" and isinstance(node, nodes.Call):
            return () if not node.args else None
        if self.method == "js" and isinstance(node, nodes.Call) and node.args:
            node = node.args[0]
        while isinstance(node, nodes.Filter) and node.name in ("js", "tojson", "safe", "e") and node.node is not None:
            node = node.node
        return _dict_names(node, "") if isinstance(node, nodes.Dict) else None


def _dict_names(node: nodes.Dict, prefix: str) -> tuple[str, ...] | None:
    found: list[str] = []
    for pair in node.items:
        if not isinstance(pair.key, nodes.Const):
            return None
        name = f"{prefix}{pair.key.value}"
        inner = _dict_names(pair.value, f"{name}.") if isinstance(pair.value, nodes.Dict) else ()
        if inner is None:
            return None
        found += inner or (name,)
    return tuple(found)


def template_facts(template: Template, prefix: str) -> Facts:
    """Read the ids and signals of a template.

    :param prefix: of the client's attributes.
    """
    fragment = template.fragment

    def filled(index: int) -> object | None:
        return Filling(*template.outputs[index]) if index in template.outputs else None

    facts = read_facts(fragment, prefix, filled)
    tags = read_tags(fragment)
    for index, (node, scope) in template.outputs.items():
        tag = next((one for one in tags if one.start < index < one.end), None)
        if tag is None:
            facts.is_open |= not is_plain(node, scope, template.macros)
        elif not _is_in_value(tag, index):
            method = Filling(node, scope).method
            if method == "tab_signal":
                facts.sets.setdefault("tabId", fragment.place(index))
                facts.declared.add("tabId")
            elif not method and fragment.texts(index, index + 1) is None:
                facts.is_open = True
    return facts


def _is_in_value(tag: Tag, index: int) -> bool:
    return any(one.value is not None and one.value_start <= index <= one.value_end for one in tag.attributes)


def check_template(template: Template, page: Client, check_urls: CheckUrls) -> Iterator[Finding]:
    """Yield the mistakes in the attributes of a template."""

    def is_action(index: int) -> bool:
        found = template.outputs.get(index)
        return found is not None and Filling(*found).method in VERBS

    yield from check_fragment(template.fragment, page, is_action, check_urls)
    for name, place in template.keys:
        yield from _check_key(name, place, page)


def _check_key(name: str, place: Place, page: Client) -> Iterator[Finding]:
    for problem in check_attribute(name, GAP, False, page):
        yield finding(Place(place.source, place.offset + 1 + problem.index), problem.text)


def check_fragment(
    fragment: Fragment, page: Client, is_action: Callable[[int], bool], check_urls: CheckUrls
) -> Iterator[Finding]:
    """Yield the mistakes in the attributes of a fragment."""
    for tag in read_tags(fragment):
        for one in () if tag.is_ignored else tag.attributes:
            has_action = any(map(is_action, range(one.value_start, one.value_end)))
            for problem in check_attribute(one.name, one.value, has_action, page):
                start = one.value_start if problem.is_in_value else one.start
                yield finding(fragment.place(start + problem.index), problem.text)
            if one.value and one.name.startswith("data-"):
                for index, text in check_urls(one.value):
                    yield finding(fragment.place(one.value_start + index), text)


def check_strings(file: PythonFile, page: Client, check_urls: CheckUrls) -> Iterator[Finding]:
    """Yield the mistakes in the attributes of a Python file: in its HTML, and in keys of its dicts."""
    for _, fragment in file.strings:
        if "{%" not in fragment.text and "{{" not in fragment.text:
            yield from check_fragment(fragment, page, partial(_is_python_action, fragment), check_urls)
    for node in file.nodes:
        if isinstance(node, ast.Dict):
            for key in node.keys:
                if isinstance(key, ast.Constant) and isinstance(key.value, str) and key.value.startswith("data-"):
                    yield from _check_key(key.value, file.place(key), page)


def _is_python_action(fragment: Fragment, index: int) -> bool:
    node = getattr(getattr(fragment.gaps.get(index), "value", None), "value", None)
    if isinstance(node, ast.Attribute) and node.attr == "js":
        node = node.value
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in VERBS
