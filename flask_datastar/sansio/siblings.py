"""A way round a defect of the client: of adjacent svg or mathml siblings it loses every second one.

The client moves the nodes out of a live list while it walks that list (``watchers/patchElements.ts``, all of v1.0), so
the nodes at odd places stay behind. Here each node that matters gets an even place, by putting one that does not (a
line break, or an empty comment beside text) between two that do.
"""

from __future__ import annotations

from collections.abc import Iterator

from .markup import SPACE, TOKEN

_ELEMENT, _TEXT, _FILLER = "element", "text", "filler"


def separate_siblings(html: str) -> str:
    r"""Put something between adjacent top-level nodes that the client may lose.

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
    """Cut markup into its top-level nodes: elements (whole), texts, and fillers (white space, comments)."""
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
    return _FILLER if kind == _TEXT and not source.strip(SPACE) else kind


def _boundaries(html: str) -> Iterator[tuple[int, str]]:
    """Give where each top-level node begins; what makes no node belongs to the one before it."""
    open_tags: list[str] = []
    for token in TOKEN.finditer(html):
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
