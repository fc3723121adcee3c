"""A way round a defect of the client: of adjacent svg or mathml siblings it loses every second one.

The client moves the nodes out of a live list while it walks that list (``watchers/patchElements.ts``, all of v1.0), so
the nodes at odd places stay behind. Here each node that matters gets an even place, by putting one that does not (a
line break, or an empty comment beside text) between two that do.
"""

from __future__ import annotations

from html.parser import HTMLParser

_ELEMENT, _TEXT, _FILLER = "element", "text", "filler"


def separate_siblings(html: str) -> str:
    r"""Put something between adjacent top-level nodes that the client may lose.

    >>> separate_siblings('<circle r="1"/><circle r="2"/>')
    '<circle r="1"/>\n<circle r="2"/>'
    """
    nodes = _TopLevelNodes(html).nodes
    while nodes and nodes[0][0] == _FILLER:
        nodes.pop(0)
    parts: list[str] = []
    previous = ""
    fillers = 1  # as if a filler stood before the first node, which takes place 0
    for kind, source in nodes:
        if kind == _FILLER:
            fillers += 1
        else:
            if fillers % 2 == 0:
                between_elements = previous == kind == _ELEMENT and fillers == 0
                parts.append("\n" if between_elements else "<!---->")
            previous, fillers = kind, 0
        parts.append(source)
    return "".join(parts)


class _TopLevelNodes(HTMLParser):
    """Cut markup into its top-level nodes: elements (whole), texts, and fillers (white space, comments)."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=False)
        self._starts = [0]
        for line in html.split("\n"):
            self._starts.append(self._starts[-1] + len(line) + 1)
        self._html = html
        self._open: list[str] = []
        self._marks: list[tuple[int, str]] = []
        self.feed(html)
        self.close()
        self.nodes = self._cut()

    def _mark(self, kind: str) -> None:
        """Remember that a top-level node begins here."""
        if not self._open:
            line, column = self.getpos()
            self._marks.append((self._starts[line - 1] + column, kind))

    def _cut(self) -> list[tuple[str, str]]:
        ends = [start for start, _ in self._marks[1:]] + [len(self._html)]
        nodes: list[tuple[str, str]] = []
        for (start, kind), end in zip(self._marks, ends, strict=True):
            source = self._html[start:end]
            if kind == _TEXT and nodes and nodes[-1][0] == _TEXT:
                nodes[-1] = (_TEXT, nodes[-1][1] + source)
            else:
                nodes.append((kind, source))
        return [(_FILLER if kind == _TEXT and not source.strip() else kind, source) for kind, source in nodes]

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._mark(_ELEMENT)
        self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        self._mark(_ELEMENT)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        self._mark(_TEXT)

    def handle_entityref(self, name: str) -> None:
        self._mark(_TEXT)

    def handle_charref(self, name: str) -> None:
        self._mark(_TEXT)

    def handle_comment(self, data: str) -> None:
        self._mark(_FILLER)

    def unknown_decl(self, data: str) -> None:
        self._mark(_TEXT)
