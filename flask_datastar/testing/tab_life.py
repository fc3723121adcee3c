"""The life of a tab: hidden, offline, reloaded, duplicated, closed."""

from __future__ import annotations

from contextlib import suppress
from copy import copy
from typing import Self
from urllib.parse import urlsplit

from .answer import Answer
from .page import Page
from .page_errors import PageError
from .tab_base import TabBase
from .tab_state import Entry


class LifeMethods(TabBase):
    """Events of a tab as a whole."""

    def hide(self) -> Answer | None:
        """Show another tab or window: the client closes the streams that are not kept open."""
        return self._set_hidden(True)

    def show(self) -> Answer | None:
        """Come back to the tab: its client opens the streams again."""
        return self._set_hidden(False)

    def lose_network(self) -> None:
        """Cut the connection: open streams break off, and requests fail until :meth:`regain_network`."""

        def act(page: Page) -> None:
            self._tab.is_online = False
            with suppress(BrokenPipeError):
                page.exchanges.cut()
            page.call("windowEvent", "offline")

        self._gesture(act)

    def regain_network(self) -> Answer | None:
        """Connect again. What the client repeats after a time comes when :meth:`wait` has moved the tab's clock."""
        self._tab.is_online = True
        return self._gesture(lambda page: page.call("windowEvent", "online"))

    def reload(self) -> None:
        """Load the page again."""
        self._look()
        self._navigate(self._tab.history[-1].url, replaces=True)
        self._settle()

    def back(self) -> None:
        """Go back to the page before.

        :raises PageError: if this is the first page.
        """
        self._look()
        self._go_back()
        self._settle()

    def duplicate(self) -> Self:
        """Open the page in another tab, as the browser's command does: the same cookies, a copy of the storage."""
        self._look()
        other = self._sibling()
        other._tab.session_storage = dict(self._tab.session_storage)
        other._tab.local_storage = self._tab.local_storage
        other._tab.history = [copy(entry) for entry in self._tab.history]
        try:
            other._navigate(self._tab.history[-1].url, replaces=True)
            other._settle()
        except BaseException:
            other.close()
            raise
        return other

    def close(self) -> None:
        """Close the tab: it leaves its page and the page's streams. Safe to call twice."""
        self._leave_page()
        self._problem = PageError("the tab is closed")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _set_hidden(self, is_hidden: bool) -> Answer | None:
        def act(page: Page) -> None:
            self._tab.is_hidden = is_hidden
            page.call("visibility", is_hidden)

        return self._gesture(act)

    def _sibling(self) -> Self:
        raise NotImplementedError

    def _go_back(self) -> None:
        history = self._tab.history
        if len(history) < 2:
            raise PageError(f"the tab has no page before {history[-1].url}")
        left = history.pop()
        if self._page is not None and _is_same_page(left, history[-1]):
            self._page.host.navigation = None
            self._page.call("popstate", history[-1].state)
        else:
            self._navigate(history[-1].url, replaces=True)


def _is_same_page(one: Entry, other: Entry) -> bool:
    """Return whether two entries were pages of one document: made by ``pushState``, or a fragment's."""
    return one.is_pushed or (urlsplit(one.url)[:4] == urlsplit(other.url)[:4] and "#" in one.url)
