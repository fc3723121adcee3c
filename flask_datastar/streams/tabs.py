"""``datastar.tabs``: who is here, and the ending of streams by scope and tab."""

from __future__ import annotations

from ..hooks import Reason
from ..hub.scopes import Scope, named_scope
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

    def close(self, scope: Scope, tab: str | None = None, *, restart: bool = False) -> int:
        """End the streams of a scope, or of one of its tabs, in all processes.

        :param restart: let the pages come back, and so meet the login check; without it they stay away.
        :return: how many of them were in this process.
        :raises BrokerError: other processes may not have heard of it.
        """
        name, reason = named_scope(scope), Reason.RESTART if restart else Reason.DONE
        ended = self._registry.close(name, tab, reason=reason)
        self._hub.tabs.close(name, tab, reason)
        return ended
