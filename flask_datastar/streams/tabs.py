"""``datastar.tabs``: who is here, and the ending of streams by scope and tab."""

from __future__ import annotations

from ..hub.scopes import ALL_TABS, AllTabs, Scope, named_scope, named_tab
from ..hub.tabs import TabInfo
from ..state.app import AppState
from .current import hub_of


class Tabs:
    """The open streams of an app, by scope and tab."""

    def __init__(self, app_state: AppState) -> None:
        self._hub = hub_of(app_state)
        self._registry = self._hub.registry

    def count(self, *, everywhere: bool = False) -> int:
        """Count the live (scope, tab) pairs of this process; streams without are in :meth:`Datastar.stats`.

        :param everywhere: count those of all processes. A page that has streams in two of them counts twice.
        :raises BrokerError: the broker does not answer.
        """
        return self._hub.tabs.count_everywhere() if everywhere else self._registry.count()

    def scopes(self, *, everywhere: bool = False) -> set[str]:
        """Give the scopes that have a stream in this process: who is here, in however many tabs. They are texts.

        :param everywhere: those of all processes. The broker gives the name of each open stream for it, which is for
            thousands of them rather than for millions.
        :raises BrokerError: the broker does not answer.
        """
        return self._hub.tabs.scopes_everywhere() if everywhere else self._registry.scopes()

    def snapshot(self) -> list[TabInfo]:
        """List this process's streams that have a scope: scope, tab or None, page, endpoint, opened_at (Unix time)."""
        return self._registry.snapshot()

    def close(self, scope: Scope, tab: str | AllTabs = ALL_TABS, *, restart: bool = False) -> int:
        """End the streams of a scope, or of one of its tabs, in all processes.

        :param tab: a tab's id, such as :attr:`Datastar.tab_id`; left out, all tabs of the scope.
        :param restart: let the pages come back, and so meet the login check; without it they stay away.
        :return: how many of them were in this process.
        :raises ValueError: if ``scope`` or ``tab`` is None or "".
        :raises BrokerError: other processes may not have heard of it.
        """
        name, reason = named_scope(scope), "restart" if restart else "done"
        one = named_tab(tab)
        ended = self._registry.close(name, one, reason=reason)
        self._hub.tabs.close(name, one, reason)
        return ended
