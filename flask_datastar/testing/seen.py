"""The visible page: texts, elements, values."""

from __future__ import annotations

from typing import Any

from ..sansio.events import Event
from . import seeing
from .finding import find_all, find_one
from .page import Page
from .page_element import PageElement
from .tab_base import TabBase
from .tab_state import PageRequest


class SeeingMethods(TabBase):
    """Methods that look at the page, once it is at rest: it shows what the server has sent so far.

    One match is expected; another number is an ``ElementError``, which lists the matches, or what the page has instead.
    """

    def text(self, selector: str | None = None) -> str:
        """Return the text that a person reads in an element, each block on a line of its own; by default the page's."""
        page = self._look()
        return seeing.visible_text(find_one(page, selector or "body"))

    def html(self, selector: str | None = None) -> str:
        """Return the HTML of an element, with its own tags; by default of the page."""
        page = self._look()
        return str(find_one(page, selector or "html").html)

    def find(self, selector: str | None = None, *, text: str | None = None, label: str | None = None) -> PageElement:
        """Return the only element that is named so."""
        page = self._look()
        return _element(page, find_one(page, selector, text, label))

    def find_all(
        self, selector: str | None = None, *, text: str | None = None, label: str | None = None
    ) -> list[PageElement]:
        """Return all elements that are named so, in the page's order; an empty list without one."""
        page = self._look()
        return [_element(page, one) for one in find_all(page, selector, text, label)]

    def value(self, selector: str | None = None, *, label: str | None = None) -> str | list[str] | bool | None:
        """Return what is entered: a text, whether a box is checked, the values of a menu that takes several."""
        page = self._look()
        found: str | list[str] | bool | None = page.call(
            "value", page.document.id(find_one(page, selector, None, label))
        )
        return found

    def is_visible(self, selector: str | None = None, *, text: str | None = None) -> bool:
        """Return whether a person sees an element; False also if the page does not have it.

        Hidden is what has ``hidden`` or an inline ``display: none``, or is inside a closed ``details`` or ``dialog``,
        itself or by what is around it. Style sheets are not read.
        """
        page = self._look()
        if not find_all(page, selector, text, None):
            return False
        return seeing.is_visible(find_one(page, selector, text))

    @property
    def url(self) -> str:
        """The path, query and fragment of the page."""
        self._look()
        return "/" + self._tab.history[-1].url.split("/", 3)[-1] if self._tab.history else ""

    @property
    def title(self) -> str:
        """The page's title."""
        titles = self._look().document.select_all("title")
        return " ".join(str(titles[0].text).split()) if titles else ""

    @property
    def requests(self) -> list[PageRequest]:
        """The requests of the tab's pages so far; clear the list to see only the next ones."""
        self._take_in()
        return self._tab.requests

    @property
    def events(self) -> list[Event]:
        """The events that the tab's pages have received so far."""
        self._take_in()
        return self._tab.events

    @property
    def scripts(self) -> list[str]:
        """The scripts that have run in the tab's pages so far, those of the server among them."""
        self._take_in()
        return self._tab.scripts

    @property
    def console(self) -> list[str]:
        """The lines of the console, each with its level: ``"warn: …"``."""
        self._take_in()
        return self._tab.console

    @property
    def left_out(self) -> list[str]:
        """The parts that were not run: scripts with a ``src`` other than the client, downloads, links to other tabs."""
        self._take_in()
        return self._tab.left_out

    @property
    def answers(self) -> list[Any]:
        """The answers to the next questions of ``confirm``, ``prompt`` and ``alert``; a test appends them before."""
        return self._tab.answers

    @answers.setter
    def answers(self, answers: list[Any]) -> None:
        self._tab.answers = answers


def _element(page: Page, node: Any) -> PageElement:
    number = page.document.id(node)
    is_field = node.tag in ("input", "select", "textarea", "button", "option", "output", "progress", "meter")
    return PageElement(
        node.tag,
        {name: node.attr(name) or "" for name in node.attrs},
        seeing.visible_text(node),
        node.html,
        page.call("value", number) if is_field else None,
        seeing.is_visible(node),
        page.call("isDisabled", number),
        page.call("active") == number,
    )
