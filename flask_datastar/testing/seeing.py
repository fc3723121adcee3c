"""Visible elements of a document without layout, and their text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

#: Elements that are never shown.
_UNSEEN = {"head", "script", "style", "template", "noscript", "title", "datalist", "meta", "link"}
#: Elements on lines of their own.
_BLOCKS = {
    *("address", "article", "aside", "blockquote", "body", "caption", "dd", "details", "dialog", "div", "dl", "dt"),
    *("fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "html"),
    *("legend", "li", "main", "menu", "nav", "ol", "optgroup", "option", "p", "pre", "section", "summary", "table"),
    *("tbody", "tfoot", "thead", "tr", "ul"),
}
_HIDDEN_STYLE = re.compile(r"(?:^|;)\s*display\s*:\s*none\s*(?:!important\s*)?(?:;|$)", re.IGNORECASE)
_SPACES = re.compile(r"[ \t\n\r\f]+")
_CELL = {"td", "th"}


def is_element(node: Any) -> bool:
    """Return whether a node of the tree is an element."""
    return hasattr(node, "tag")


def is_shown_itself(element: Any) -> bool:
    """Return whether an element hides neither itself nor its content."""
    if element.tag in _UNSEEN or "hidden" in element.attrs:
        return False
    if element.tag == "input" and (element.attr("type") or "").lower() == "hidden":
        return False
    if element.tag == "dialog" and "open" not in element.attrs:
        return False
    return not _HIDDEN_STYLE.search(element.attr("style") or "")


def is_visible(element: Any) -> bool:
    """Return whether a person sees an element: neither it nor anything around it is hidden or closed."""
    return why_hidden(element) is None


def why_hidden(element: Any) -> str | None:
    """Return what hides an element, for an error's text; None if a person sees it."""
    child, node = None, element
    while node is not None and is_element(node):
        if not is_shown_itself(node):
            return "it is hidden" if child is None else f"it is hidden by {shown(node)}"
        if child is not None and node.tag == "details" and "open" not in node.attrs and not _is_summary(node, child):
            return f"it is inside the closed {shown(node)}"
        child, node = node, node.parent
    return None


def why_inert(element: Any) -> str | None:
    """Return which ``inert`` keeps a person from an element, for an error's text; None if none does."""
    node = element
    while node is not None and is_element(node):
        if "inert" in node.attrs:
            return "is inert" if node is element else f"is inside the inert {shown(node)}"
        node = node.parent
    return None


def visible_text(element: Any) -> str:
    """Return an element's text as a person reads it: of what is visible, blocks on lines of their own."""
    if not is_element(element):
        return str(element.text)
    lines = (_SPACES.sub(" ", line).strip(" ") for line in "".join(_pieces(element)).split("\x00"))
    return "\n".join(line.replace("\x01", "\n").strip("\n") for line in lines if line.strip(" \x01"))


def _pieces(element: Any) -> Iterator[str]:
    """Yield pieces of text; NUL ends a line, \\x01 is a line break inside preformatted text."""
    if not is_shown_itself(element):
        return
    is_block = element.tag in _BLOCKS
    if is_block:
        yield "\x00"
    if element.tag == "br":
        yield "\x00"
    is_closed = element.tag == "details" and "open" not in element.attrs
    for child in element:
        if is_element(child):
            if not is_closed or _is_summary(element, child):
                yield from _pieces(child)
                if child.tag in _CELL:
                    yield " "
        elif type(child).__name__ == "Text" and not is_closed:
            yield child.data.replace("\n", "\x01") if element.tag in ("pre", "textarea") else child.data
    if is_block:
        yield "\x00"


def _is_summary(details: Any, child: Any) -> bool:
    first = next((one for one in details if is_element(one) and one.tag == "summary"), None)
    return first is not None and bool(first == child)


def shown(element: Any) -> str:
    """Return an element's start tag as an error shows it: shortened, without the text inside."""
    if not is_element(element):
        return type(element).__name__
    parts = [element.tag]
    for name, value in element.attrs.items():
        text = element.attr(name) or ""
        text = text if len(text) <= 60 else f"{text[:57]}…"
        parts.append(f'{name}="{text}"' if value or text else name)
    tag = f"<{' '.join(parts)}>"
    return tag if len(tag) <= 200 else f"{tag[:197]}…>"
