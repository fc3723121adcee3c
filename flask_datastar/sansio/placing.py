"""What the client would skip: without a selector each top-level element goes to the page's element with its id.

It leaves out those without one, with a warning in its console that nobody reads. Markup that browsers repair by rules
of their own (an end tag left out, elements across each other) is not followed there: what is found is skipped for
certain, but not all that is skipped is found.
"""

from __future__ import annotations

import re
from collections import Counter

from .markup import TOKEN

# Any of these makes the client read the whole text as a document, whose parts need no id.
_DOCUMENT = re.compile(r"</(?:html|head|body)>", re.IGNORECASE)
_DOCUMENT_TAGS = frozenset({"html", "head", "body"})
_VOID = frozenset(
    {
        *("area", "base", "br", "col", "embed", "hr", "img"),
        *("input", "link", "meta", "param", "source", "track", "wbr"),
    }
)
# Their text ends at their own end tag only.
_RAW = frozenset({"script", "style", "textarea", "title", "iframe", "noembed", "noframes", "xmp"})
_FOREIGN = frozenset({"svg", "math"})
_ATTRIBUTE = re.compile(r"""([^\s/>"'=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+)))?""")


def find_skipped(html: str, *, is_foreign: bool = False) -> str | None:
    """Give the tag of the first top-level element that the client would skip; None when there is none.

    :param is_foreign: whether all of it is svg or mathml.

    >>> find_skipped('<p id="a">one</p><p>two</p>')
    '<p>'
    """
    if _DOCUMENT.search(html):
        return None
    open_tags = _OpenTags()
    position = 0
    while position < len(html) and (token := TOKEN.match(html, position)) is not None:
        position = token.end()
        if token["opened"]:
            name = token["opened"].lower()
            if name in _DOCUMENT_TAGS:
                continue
            if not open_tags.names and not _has_id(token[0]):
                return token[0]
            in_foreign = is_foreign or name in _FOREIGN or open_tags.foreign > 0
            if not (token["slash"] if in_foreign else name in _VOID):
                open_tags.push(name)
            if name in _RAW and not in_foreign:
                position = _end_of_text(html, position, name)
        elif token["closed"]:
            open_tags.close(token["closed"].lower())
    return None


class _OpenTags:
    """The elements that a position in the text is inside of."""

    def __init__(self) -> None:
        self.names: list[str] = []
        #: How many of them are svg or math.
        self.foreign = 0
        self._counts: Counter[str] = Counter()

    def push(self, name: str) -> None:
        self.names.append(name)
        self._counts[name] += 1
        self.foreign += name in _FOREIGN

    def close(self, name: str) -> None:
        """Close the innermost of a name and what is in it; an end tag without a beginning closes nothing."""
        while self._counts[name]:
            closed = self.names.pop()
            self._counts[closed] -= 1
            self.foreign -= closed in _FOREIGN
            if closed == name:
                return


def _has_id(tag: str) -> bool:
    attributes = _ATTRIBUTE.finditer(tag, len("<"))
    next(attributes)  # the name of the element
    for attribute in attributes:
        if attribute[1].lower() == "id":
            return any(attribute.groups()[1:])
    return False


def _end_of_text(html: str, start: int, name: str) -> int:
    end = re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE).search(html, start)
    return end.start() if end is not None else len(html)
