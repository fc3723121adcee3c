"""The source by which a stream follows a view."""

from __future__ import annotations

import time

from ..hub.topics import Subscriber
from ..state.app import AppState
from ..streams.commits import release_session
from .advice import Followed
from .process import live_regions_of
from .view import Arrival, LiveView, ViewSpec


class ViewSource:
    """A view that one stream follows.

    :param known: the digest of the HTML that the stream's page shows; None to send the view in any case.
    :param is_back: whether the stream had been open before.
    :param is_hasty: whether a page whose state is unknown gets a rendering of the last second without waiting.
    """

    __slots__ = ("_app_state", "_is_back", "_is_hasty", "_known", "_spec", "_view")

    def __init__(
        self,
        app_state: AppState,
        spec: ViewSpec,
        known: bytes | None = None,
        *,
        is_back: bool = False,
        is_hasty: bool = False,
    ) -> None:
        self._app_state = app_state
        self._spec = spec
        self._known = known
        self._is_back = is_back
        self._is_hasty = is_hasty
        self._view: LiveView | None = None

    @property
    def key(self) -> tuple[str, str]:
        """The view's identity, apart from the names of topics."""
        return "region", self._spec.identity

    def attach(self, subscriber: Subscriber) -> None:
        """Follow the view from now on. The first stream renders it.

        :raises SetupError: if all database sessions share one connection.
        """
        # Before the first rendering, which shows whatever the page shows.
        arrival = Arrival(subscriber, self._known, time.monotonic(), self._is_back, self._is_hasty)
        regions = live_regions_of(self._app_state)
        regions.check_database()
        # A rendering for streams has a connection of its own, and this request must not block it.
        release_session(self._app_state, is_waiting=True)
        view = regions.views.follow(self._spec)
        try:
            regions.views.attach(view, subscriber, arrival)
        except BaseException:
            regions.views.leave(view)
            raise
        self._view = view
        self._app_state.part(Followed).add(self, self._spec)

    def hand_over(self, subscriber: Subscriber, taker: Subscriber) -> None:
        """Redirect the view's events to another object."""
        if self._view is not None:
            live_regions_of(self._app_state).views.hand_over(self._view, subscriber, taker)

    def detach(self, subscriber: Subscriber) -> None:
        """Stop following the view."""
        view, self._view = self._view, None
        if view is not None:
            views = live_regions_of(self._app_state).views
            views.detach(view, subscriber)
            views.leave(view)
            self._app_state.part(Followed).drop(self)
