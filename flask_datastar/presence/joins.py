"""The joins of requests that may open a stream, and of those that do not."""

from __future__ import annotations

from flask import request

from ..brokers.payload import MessageKind, Payload
from ..hub.hub import StreamHub
from ..hub.stream import Stream
from ..reading.signals import is_datastar_request, read_signals
from ..reading.tabs import read_tab
from ..state.app import AppState
from ..state.request import RequestState
from ..streams.current import hub_of
from ..streams.opening import find_owner
from ..streams.refusals import PlainStreams
from ..streams.subscriptions import Subscription
from .process import Presence

#: The scope that a page's stream must have, None for any; tab and page.
Sender = tuple[str | None, str, str]


class Join(Subscription):
    """A join before the stream of its request is open. Without a stream it is dropped with the request."""

    __slots__ = ("_presence", "data", "sender", "topic")

    def __init__(self, hub: StreamHub, presence: Presence, topic: str, data: str, sender: Sender | None) -> None:
        super().__init__(hub, (), is_own=True)
        self._presence = presence
        self.topic = topic
        self.data = data
        #: The page of a request that opens no stream if this is not None.
        self.sender = sender

    def bind(self, stream: Stream) -> None:
        """Join as soon as the stream is open."""
        super().bind(stream)
        self._presence.join(stream, self.topic, self.data)

    def deliver(self, topic: str, kind: MessageKind, payload: Payload) -> None:
        """Ignore messages: it has no topics."""

    def close(self) -> None:
        """Drop the join if the stream does not open; if the request turns out to be a handler's, join its page."""
        if self._is_closed:
            return
        super().close()
        if self._stream is not None:
            self._presence.forget(self._stream)
        elif self.sender is not None:
            self._presence.join_page(*self.sender, self.topic, self.data)


def find_sender(state: RequestState) -> Sender | None:
    """Return the page whose handler this request runs; None for a page's own request, and for one without a tab id."""
    if not is_datastar_request(request):
        return None
    tab, page = read_tab(request, read_signals(request, state))
    if tab is None:
        state.app_state.warn_once(
            "Datastar: %s joins or leaves a topic, but its page has sent no tab id, so nobody is counted; put "
            "tab_signal() on the layout's root element, and where the action has _signals=(), which sends no signals, "
            "give _signals=('tabId',)",
            request.endpoint,
        )
        return None
    settings = state.app_state.settings
    return find_owner(state.app_state, None) if settings.scope is not None else None, tab, page or ""


def may_open_stream(state: RequestState) -> bool:
    """Return whether the current request opens a stream, or may still do so."""
    return request.method in ("GET", "HEAD") or state.opening is not None


def is_stream(app_state: AppState) -> bool:
    """Return whether the endpoint of the current request is known to open streams."""
    endpoint = request.endpoint
    return endpoint in app_state.stream_endpoints or app_state.parts[PlainStreams][str(endpoint)]


def presence_of(app_state: AppState) -> Presence:
    """Return the presence of an app in this process."""
    presence = hub_of(app_state).bus.presence
    assert isinstance(presence, Presence)
    return presence
