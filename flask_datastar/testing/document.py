"""The tree of a page, parsed and kept by turbohtml."""

from __future__ import annotations

from typing import Any

from .page_errors import missing_package


class Document:
    """The tree of one page. The document's code names nodes by numbers from 1; 0 stands for None.

    :param html: the page.
    """

    def __init__(self, html: str) -> None:
        try:
            import turbohtml
        except ImportError as error:
            raise missing_package("turbohtml") from error
        #: turbohtml, whose classes make new nodes.
        self.html = turbohtml
        self._nodes: dict[int, Any] = {}
        self._ids: dict[Any, int] = {}
        #: The tree's root.
        self.root = turbohtml.parse(html)
        self.id(self.root)

    def id(self, node: Any) -> int:
        """Return the number of a node."""
        if node is None:
            return 0
        found = self._ids.get(node)
        if found is None:
            found = self._ids[node] = len(self._ids) + 1
            self._nodes[found] = node
        return found

    def node(self, number: int) -> Any:
        """Return the node with a number."""
        return self._nodes[number]

    def select_all(self, selector: str) -> list[Any]:
        """Return the elements of the page that a CSS selector matches, in their order, templates' contents left out.

        :raises ValueError: if it is not a selector.
        """
        return self.select(self.root, selector)

    def select(self, node: Any, selector: str) -> list[Any]:
        """Return the elements inside a node that a selector matches, the contents of templates left out."""
        found: list[Any] = node.select(selector)
        if found and node.select_one("template") is not None:
            root = self.root_of(node)
            found = [one for one in found if self.root_of(one) == root]
        return found

    def root_of(self, node: Any) -> Any:
        """Return the root of the tree that a node is in: the page, a fragment, or what is in neither."""
        while type(node).__name__ != "DocumentFragment" and node.parent is not None:
            node = node.parent
        return node
