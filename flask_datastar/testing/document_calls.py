"""The functions through which the document's code reaches the tree of its page; nodes are numbers there."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable
from typing import Any

from . import seeing
from .document import Document

_TYPES = {"Element": 1, "Text": 3, "CData": 3, "Comment": 8, "Document": 9, "Doctype": 10, "DocumentFragment": 11}
#: Attributes of SVG whose names have capitals; turbohtml writes new ones in lower case.
_SVG_WORDS = """
    attributeName attributeType baseFrequency calcMode clipPathUnits diffuseConstant edgeMode filterUnits
    gradientTransform gradientUnits kernelMatrix keyPoints keySplines keyTimes lengthAdjust limitingConeAngle
    markerHeight markerUnits markerWidth maskContentUnits maskUnits numOctaves pathLength patternContentUnits
    patternTransform patternUnits pointsAtX pointsAtY pointsAtZ preserveAlpha preserveAspectRatio primitiveUnits
    refX refY repeatCount repeatDur specularConstant specularExponent spreadMethod startOffset stdDeviation
    surfaceScale systemLanguage tableValues targetX targetY textLength viewBox xChannelSelector yChannelSelector
"""
#: Between the parts of a text that lists attributes.
_MARK = "\x1f"
_SVG_NAMES = {name.lower(): name for name in _SVG_WORDS.split()}


class DocumentCalls:
    """One page's side of the document's code."""

    def __init__(self, tree: Document) -> None:
        self._tree, self.id, self.node = tree, tree.id, tree.node
        self._last_ids = ""

    def callables(self) -> dict[str, Callable[..., Any]]:
        """Return the functions for the document's code, by its names for them."""
        names = [
            *("describe", "parent", "child", "sibling", "children", "elements", "text", "equal", "compare", "clone"),
            *("normalize", "insert", "detach", "data", "select", "matches", "closest", "attributes"),
            *("inner", "outer", "fragment", "content", "create", "parse", "shown"),
        ]
        found: dict[str, Callable[..., Any]] = {name: getattr(self, f"_js_{name}") for name in names}
        return found | {
            "root": lambda n: self.id(self._tree.root_of(self.node(n))),
            "setData": self._js_set_data,
            "setAttribute": self._js_set_attribute,
            "createText": lambda text: self.id(self._tree.html.Text(text)),
            "createComment": lambda text: self.id(self._tree.html.Comment(text)),
            "createFragment": lambda: self.id(self._tree.html.DocumentFragment()),
            "byId": self._js_by_id,
            "byName": lambda name: self.id(self._tree.root.select_one(name)),
            "documentId": lambda: self.id(self._tree.root),
            "namedIds": self._named_ids,
            "hasScripts": lambda n: self.node(n).select_one("script") is not None,
            "isVisible": lambda n: seeing.is_visible(self.node(n)),
            "visibleText": lambda n: seeing.visible_text(self.node(n)),
        }

    def _named_ids(self) -> str | None:
        """Return the ids of all elements; None if they are those of the last time."""
        ids = " ".join(one.attr("id") or "" for one in self._tree.root.select("[id]"))
        if ids == self._last_ids:
            return None
        self._last_ids = ids
        return ids

    def _ids_of(self, nodes: Iterable[Any]) -> str:
        return ",".join(str(self.id(node)) for node in nodes)

    def _js_describe(self, number: int) -> str:
        """Return the kind of a node; of an element also its tag, namespace, and the attributes, which are read next."""
        node = self.node(number)
        kind = _TYPES.get(type(node).__name__, 8)
        if kind != 1:
            return str(kind)
        names = node.attrs
        parts = [f"1 {node.tag} {node.namespace.value}"]
        for name in names:
            parts += (self._name(node, name), node.attr(name) or "")
        # A value may have the mark that stands between them.
        return _MARK.join(parts) if _MARK not in "".join(parts) else f"{parts[0]} asked"

    def _js_parent(self, number: int) -> int:
        parent = self.node(number).parent
        # The contents of a template have no parent.
        if parent is not None and type(self.node(number)).__name__ == "DocumentFragment":
            return 0
        return self.id(parent)

    def _children(self, node: Any) -> Any:
        return () if getattr(node, "tag", "") == "template" else node

    def _js_child(self, number: int, index: int) -> int:
        children = self._children(self.node(number))
        return self.id(children[index]) if len(children) else 0

    def _js_sibling(self, number: int, step: int) -> int:
        node = self.node(number)
        if type(node).__name__ == "DocumentFragment":
            return 0
        return self.id(node.next_sibling if step > 0 else node.previous_sibling)

    def _js_children(self, number: int) -> str:
        return self._ids_of(self._children(self.node(number)))

    def _js_elements(self, number: int) -> str:
        return self._ids_of(one for one in self._children(self.node(number)) if seeing.is_element(one))

    def _js_text(self, number: int) -> str:
        return "".join(_texts(self.node(number)))

    def _js_equal(self, one: int, other: int) -> bool:
        first, second = self.node(one), self.node(other)
        if seeing.is_element(first) and (first.tag == "template" or first.select_one("template") is not None):
            # Browsers do not compare the contents of templates.
            first, second = copy.deepcopy(first), copy.deepcopy(second)
            for tree in (first, second):
                for template in [tree, *tree.select("template")]:
                    if template.tag == "template":
                        template.set_inner_html("")
        return bool(first.equals(second))

    def _js_compare(self, one: int, other: int) -> int:
        first, second = self._path(self.node(one)), self._path(self.node(other))
        if first == second:
            return 0
        if first[0] != second[0]:
            return 1
        for a, b in zip(first, second, strict=False):
            if a != b:
                order = list(a.parent)
                return 4 if order.index(a) < order.index(b) else 2
        return 20 if len(first) < len(second) else 10

    def _path(self, node: Any) -> list[Any]:
        path = [node]
        while (node := node.parent) is not None:
            path.insert(0, node)
        return path

    def _js_clone(self, number: int, is_deep: bool) -> int:
        node = self.node(number)
        if type(node).__name__ == "DocumentFragment":
            clone = self._tree.html.DocumentFragment()
            for child in node if is_deep else ():
                clone.append(copy.deepcopy(child))
            return self.id(clone)
        clone = copy.deepcopy(node)
        if not is_deep and seeing.is_element(clone):
            for child in list(clone[0] if clone.tag == "template" else clone):
                child.extract()
        return self.id(clone)

    def _js_normalize(self, number: int) -> None:
        self.node(number).normalize()

    def _js_insert(self, parent: int, number: int, before: int) -> None:
        if before:
            self.node(before).insert_before(self.node(number))
        else:
            self.node(parent).append(self.node(number))

    def _js_detach(self, number: int) -> None:
        self.node(number).extract()

    def _js_data(self, number: int) -> str:
        return str(self.node(number).data)

    def _js_set_data(self, number: int, data: str) -> None:
        self.node(number).data = data

    def _js_select(self, number: int, selector: str) -> str:
        try:
            return self._ids_of(self._tree.select(self.node(number), selector))
        except self._tree.html.SelectorSyntaxError:
            return "!"

    def _js_matches(self, number: int, selector: str) -> int:
        try:
            return int(self.node(number).matches(selector))
        except self._tree.html.SelectorSyntaxError:
            return -1

    def _js_closest(self, number: int, selector: str) -> int:
        try:
            return self.id(self.node(number).closest(selector))
        except self._tree.html.SelectorSyntaxError:
            return -1

    def _js_by_id(self, number: int, wanted: str) -> int:
        if not wanted:
            return 0
        found = self.node(number).find_all(attrs={"id": wanted})
        root = self._tree.root_of(self.node(number))
        return self.id(next((one for one in found if self._tree.root_of(one) == root), None))

    def _js_attributes(self, number: int) -> str:
        node = self.node(number)
        return json.dumps([(self._name(node, name), node.attr(name) or "") for name in node.attrs])

    def _name(self, node: Any, name: str) -> str:
        return name if node.namespace.value == "html" else _SVG_NAMES.get(name, name)

    def _js_set_attribute(self, number: int, name: str, value: str | None) -> None:
        attrs = self.node(number).attrs
        if value is None:
            attrs.pop(name if name in attrs else name.lower(), None)
        else:
            attrs[name] = value

    def _js_inner(self, number: int) -> str:
        return str(self.node(number).inner_html)

    def _js_outer(self, number: int) -> str:
        return str(self.node(number).html)

    def _js_fragment(self, html: str, tag: str, namespace: str) -> int:
        """Parse HTML for an element's content; its scripts do not run."""
        context = tag if namespace == "html" else f"{namespace} {tag}"
        try:
            parsed = self._tree.html.parse_fragment(html, context)
        except ValueError:
            parsed = self._tree.html.parse_fragment(html, "div")
        fragment = self._tree.html.DocumentFragment()
        for child in list(parsed):
            fragment.append(child.extract())
        return self.id(fragment)

    def _js_content(self, number: int) -> int:
        return self.id(self.node(number)[0])

    def _js_create(self, tag: str, namespace: str) -> int:
        if tag == "template" and namespace == "html":
            # Only the parser makes one with contents.
            return self.id(self._tree.html.parse_fragment("<template></template>", "div")[0].extract())
        if namespace == "html":
            return self.id(self._tree.html.Element(tag))
        root = "svg" if namespace == "svg" else "math"
        parsed = self._tree.html.parse_fragment(
            f"<{root}></{root}>" if tag == root else f"<{root}><{tag}></{tag}></{root}>", "div"
        )
        element = parsed[0] if tag == root else parsed[0][0]
        return self.id(element.extract())

    def _js_parse(self, html: str) -> int:
        return self.id(self._tree.html.parse(html))

    def _js_shown(self, number: int) -> str:
        return seeing.shown(self.node(number))


def _texts(node: Any) -> Iterable[str]:
    if type(node).__name__ in ("Text", "CData"):
        yield node.data
    elif getattr(node, "tag", "") != "template" and hasattr(node, "__iter__"):
        for child in node:
            if type(child).__name__ != "Comment":
                yield from _texts(child)
