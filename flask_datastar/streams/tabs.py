"""``datastar.tabs``: who is here, and the ending of streams by scope and tab."""

from __future__ import annotations

from ..hooks import Reason
from ..hub.scopes import ALL_TABS, AllTabs, Scope, named_scope, named_tab
from ..hub.tabs import TabInfo
from ..state.app import AppState
from .current import hub_of


class Tabs:
    """The open streams of an app, by scope and tab."""

    def __init__(self, app_state: AppState) -> None:
        self._tabs = hub_of(app_state).tabs

    def count(self, *, everywhere: bool = False) -> int:
        """Count the live (scope, tab) pairs of this process; streams without are in :meth:`Datastar.stats`.

        :param everywhere: count those of all processes. A page that has streams in two of them counts twice.
        :raises BrokerError: if the broker does not answer.
        """
        return self._tabs.count(everywhere=everywhere)

    def scopes(self, *, everywhere: bool = False) -> set[str]:
        """Return the scopes that have a stream in this process: who is here, in however many tabs. They are texts.

        :param everywhere: those of all processes. The broker gives the name of each open stream for it, which is for
            thousands of them rather than for millions.
        :raises BrokerError: if the broker does not answer.
        """
        return self._tabs.scopes(everywhere=everywhere)

    def snapshot(self) -> list[TabInfo]:
        """List this process's streams that have a scope: scope, tab or None, page, endpoint, opened_at (Unix time)."""
        return self._tabs.snapshot()

    def close(self, scope: Scope, tab: str | AllTabs | None = ALL_TABS, *, restart: bool = False) -> int:
        """End the streams of a scope, or of one of its tabs, in all processes.

        :param tab: a tab's id, such as :attr:`Datastar.tab_id`; left out, all tabs of the scope. None is refused.
        :param restart: let the pages come back, and so meet the login check; without it they stay away.
        :return: how many of them were in this process.
        :raises ValueError: if ``scope`` or ``tab`` is None or "".
        :raises BrokerError: if other processes may not have heard of it.
        """
        return self._tabs.close(named_scope(scope), named_tab(tab), Reason.RESTART if restart else Reason.DONE)
