"""Top-level nodes of markup, for two behaviours of the client.

It loses every second one of adjacent SVG or MathML siblings: :func:`separate_siblings` puts fillers between them. It
skips top-level elements without an id when a patch has no selector: :func:`find_skipped` finds the first of them, and
:func:`find_root` checks that a text is one element that can be patched by its id.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from html import unescape

# The tokens of foreign content (HTML standard, 13.2.5), where <style> and <script> are ordinary elements. A token
# without an end takes the rest of the text, so no markup is scanned twice. html.parser does not fit: it raises
# AssertionError at some broken markup, and reads other markup differently in each Python version.
_TOKEN = re.compile(
    r"""
      (?P<comment> <!--(?:-?>|.*?(?:--!?>|\Z)) )
    | (?P<nothing> <!doctype[^>]*+>?|<!\[CDATA\[\]\]>|</>|</\Z )
    | (?P<cdata> <!\[CDATA\[.*?(?:\]\]>|\Z) )
    | (?P<bogus_comment> <[!?][^>]*+>?|</[^a-z][^>]*+>? )
    | </(?P<closed>[a-z][^\s/>]*+)[^>]*+>?
    | <(?P<opened>[a-z][^\s/>]*+)
      (?:=\s*+(?:"[^"]*+"?|'[^']*+'?|[^\s>"'][^\s>]*+)?+|/(?!>)|[^=/>])*+
      (?P<slash>/?)>?
    | (?P<text> [^<]++|< )
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE | re.ASCII,
)

# White space between nodes.
_SPACE = " \t\n\f\r"

_ELEMENT, _TEXT, _FILLER = "element", "text", "filler"

# Any of these end tags makes the client parse the whole text as a document, whose parts need no id.
_DOCUMENT = re.compile(r"</(?:html|head|body)>", re.IGNORECASE)
_DOCUMENT_TAGS = frozenset({"html", "head", "body"})
_VOID = frozenset(
    {
        *("area", "base", "br", "col", "embed", "hr", "img"),
        *("input", "link", "meta", "param", "source", "track", "wbr"),
    }
)
# Elements whose text ends only at their own end tag.
_RAW = frozenset({"script", "style", "textarea", "title", "iframe", "noembed", "noframes", "xmp"})
_FOREIGN = frozenset({"svg", "math"})
_ATTRIBUTE = re.compile(r"""([^\s/>"'=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+)))?""")


def separate_siblings(html: str) -> str:
    r"""Put fillers between adjacent top-level nodes that the client would lose.

    The client moves the nodes out of a live list while it walks that list (``watchers/patchElements.ts``, all of v1.0),
    so the nodes at odd places stay behind. With a filler (a line break, or an empty comment beside text) at every odd
    place, elements and texts get the even places.

    >>> separate_siblings('<circle r="1"/><circle r="2"/>')
    '<circle r="1"/>\n<circle r="2"/>'
    """
    parts: list[str] = []
    previous = ""
    fillers = 1  # as if a filler stood before the first node, which takes place 0
    for kind, source in _top_level_nodes(html):
        if kind != _FILLER:
            if fillers % 2 == 0:
                between_elements = previous == kind == _ELEMENT and fillers == 0
                parts.append("\n" if between_elements else "<!---->")
            previous, fillers = kind, 0
        elif parts:
            fillers += 1
        else:
            continue
        parts.append(source)
    return "".join(parts)


def _top_level_nodes(html: str) -> Iterator[tuple[str, str]]:
    """Split markup into its top-level nodes: whole elements, texts, and fillers (white space, comments)."""
    start = 0
    kind = ""
    for end, found in _boundaries(html):
        if found == _TEXT and kind == _TEXT:
            continue
        if kind:
            yield _kind_of(kind, html[start:end]), html[start:end]
        start, kind = end, found
    if kind:
        yield _kind_of(kind, html[start:]), html[start:]


def _kind_of(kind: str, source: str) -> str:
    return _FILLER if kind == _TEXT and not source.strip(_SPACE) else kind


def _boundaries(html: str) -> Iterator[tuple[int, str]]:
    """Yield the start and the kind of each top-level node; tokens that make no node belong to the node before them."""
    open_tags: list[str] = []
    for token in _TOKEN.finditer(html):
        kind = ""
        if name := token["opened"]:
            kind = _ELEMENT
        elif name := token["closed"]:
            if name.lower() in open_tags:
                while open_tags.pop() != name.lower():
                    pass
        elif token["text"] or token["cdata"]:
            kind = _TEXT
        elif not token["nothing"]:
            kind = _FILLER
        if kind and not open_tags:
            yield token.start(), kind
        if kind == _ELEMENT and not token["slash"]:
            open_tags.append(name.lower())


def find_skipped(html: str, *, is_foreign: bool = False) -> str | None:
    """Return the tag of the first top-level element that the client would skip, or None.

    Without a selector each top-level element goes to the page's element with its id. The client skips elements without
    an id, and reports them only in the browser's console. The search does not repair markup as browsers do (missing
    end tags, overlapping elements), so it may miss a skipped element; but the client skips every element it returns.

    :param is_foreign: whether all of the markup is SVG or MathML.

    >>> find_skipped('<p id="a">one</p><p>two</p>')
    '<p>'
    """
    if _DOCUMENT.search(html):
        return None
    for token, is_top in _tokens(html, is_foreign=is_foreign):
        if is_top and token["opened"] and not _id_of(token[0]):
            return token[0]
    return None


def find_root(html: str) -> str:
    """Return the id of the element that is the whole text, apart from white space and comments.

    Like :func:`find_skipped`, it does not repair markup as browsers do.

    :raises ValueError: if the text is anything but one element with an id; the message says what it is.

    >>> find_root('<ul id="cards"><li>one</li></ul>')
    'cards'
    """
    if _DOCUMENT.search(html):
        raise ValueError("it is a whole document")
    root = ""
    for token, is_top in _tokens(html):
        if not is_top:
            continue
        if token["opened"]:
            if root:
                raise ValueError(f"the element {root} is followed by another one, {token[0]}")
            root = token[0]
        elif (text := token["text"] or token["cdata"]) and text.strip(_SPACE):
            raise ValueError(f"the text {text.strip(_SPACE)[:80]!r} is outside of an element")
    if not root:
        raise ValueError("it has no element")
    found = _id_of(root)
    if not found:
        raise ValueError(f"the element {root} has no id")
    return unescape(found)


def find_element(html: str, element_id: str) -> tuple[int, int] | None:
    """Return where the first element with an id starts and ends; None without one.

    Like :func:`find_skipped`, it does not repair markup as browsers do.

    >>> find_element('<p>one</p><p id="a">two</p>', "a")
    (10, 27)
    """
    for token, _ in _tokens(html):
        if token["opened"] and unescape(_id_of(token[0])) == element_id:
            rest = _tokens(html[token.start() :])
            next(rest)
            ends = (after.start() for after, is_top in rest if is_top)
            return token.start(), token.start() + next(ends, len(html) - token.start())
    return None


def _tokens(html: str, *, is_foreign: bool = False) -> Iterator[tuple[re.Match[str], bool]]:
    """Yield the tokens of a text, each with whether it is at the top level; the tags of documents are left out."""
    open_tags = _OpenTags()
    position = 0
    while position < len(html) and (token := _TOKEN.match(html, position)) is not None:
        position = token.end()
        is_top = not open_tags.names
        if token["opened"]:
            name = token["opened"].lower()
            if name in _DOCUMENT_TAGS:
                continue
            in_foreign = is_foreign or name in _FOREIGN or open_tags.foreign > 0
            if not (token["slash"] if in_foreign else name in _VOID):
                open_tags.push(name)
            if name in _RAW and not in_foreign:
                position = _end_of_text(html, position, name)
        elif token["closed"]:
            open_tags.close(token["closed"].lower())
        yield token, is_top


class _OpenTags:
    """The elements that are open at a position in the text."""

    def __init__(self) -> None:
        self.names: list[str] = []
        #: How many of the open elements are ``svg`` or ``math``.
        self.foreign = 0
        self._counts: Counter[str] = Counter()

    def push(self, name: str) -> None:
        self.names.append(name)
        self._counts[name] += 1
        self.foreign += name in _FOREIGN

    def close(self, name: str) -> None:
        """Close the innermost element of this name and all inside it; an end tag without a start tag closes nothing."""
        while self._counts[name]:
            closed = self.names.pop()
            self._counts[closed] -= 1
            self.foreign -= closed in _FOREIGN
            if closed == name:
                return


def _id_of(tag: str) -> str:
    """Return the id in a start tag as it is written; "" without one."""
    attributes = _ATTRIBUTE.finditer(tag, len("<"))
    next(attributes)  # the name of the element
    for attribute in attributes:
        if attribute[1].lower() == "id":
            return next(filter(None, attribute.groups()[1:]), "")
    return ""


def _end_of_text(html: str, start: int, name: str) -> int:
    end = re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE).search(html, start)
    return end.start() if end is not None else len(html)
