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
        """Count the tabs, as pairs of scope and tab, that have a stream in this process.

        Streams without a scope or a tab are counted in :meth:`Datastar.stats` only.

        :param everywhere: whether to count those of all processes. A tab with streams in two processes counts twice.
        :raises BrokerError: if the broker does not respond.
        """
        return self._tabs.count(everywhere=everywhere)

    def scopes(self, *, everywhere: bool = False) -> set[str]:
        """Return the scopes, as strings, that have a stream in this process: who is here, in however many tabs.

        :param everywhere: whether to return those of all processes. The broker then lists every open stream, which
            suits thousands of streams rather than millions.
        :raises BrokerError: if the broker does not respond.
        """
        return self._tabs.scopes(everywhere=everywhere)

    def snapshot(self) -> list[TabInfo]:
        """Return this process's streams with a scope: scope, tab or None, page, endpoint, opened_at (Unix time)."""
        return self._tabs.snapshot()

    def close(self, scope: Scope, tab: str | AllTabs | None = ALL_TABS, *, restart: bool = False) -> int:
        """End the streams of a scope, or of one of its tabs, in all processes.

        :param tab: a tab's id, such as :attr:`Datastar.tab_id`; by default all tabs of the scope. None is refused.
        :param restart: whether the pages come back, and so meet the login check; by default they stay away.
        :return: the number of streams that it ended in this process.
        :raises ValueError: if ``scope`` or ``tab`` is None or "".
        :raises BrokerError: if other processes may not have received the command.
        """
        return self._tabs.close(named_scope(scope), named_tab(tab), Reason.RESTART if restart else Reason.DONE)
