"""Warnings about messages that reach no stream, in debug mode."""

from __future__ import annotations

from difflib import get_close_matches

from ..brokers.payload import MessageKind
from ..hub.hub import StreamHub
from ..hub.seats import Seat
from ..hub.stream import Stream
from ..state.app import AppState
from .follow import Follow
from .subscribe import Messages

#: Kind of message → the subscribers that ignore it.
_IGNORING: dict[MessageKind, tuple[type, ...]] = {
    MessageKind.MESSAGE: (Follow, Stream, Seat),
    MessageKind.EVENTS: (Messages,),
    MessageKind.STORED: (Messages,),
}


def note_unheard(app_state: AppState, hub: StreamHub, topic: str, kind: MessageKind) -> None:
    """Warn, in debug mode, of a message that reaches no stream here, and cannot reach other processes."""
    if not app_state.app.debug or hub.bus.is_shared or topic.startswith("\0"):
        return
    listeners = hub.topics.subscribers(topic)
    if not all(isinstance(listener, _IGNORING[kind]) for listener in listeners):
        return
    if listeners and kind is MessageKind.MESSAGE:
        hub.notices.warn(
            "Datastar: a message published to %r reached no stream: the streams of this topic use follow(), which gets "
            "only what broadcast(%r) sends",
            topic,
            topic,
        )
    elif listeners:
        hub.notices.warn(
            "Datastar: events broadcast to %r reached no stream: the streams of this topic use subscribe(), which gets "
            "only what publish(%r) sends",
            topic,
            topic,
        )
    else:
        near = get_close_matches(topic, hub.topics.names())
        hint = f"; there are streams of {', '.join(map(repr, near))}" if near else ""
        hub.notices.warn("Datastar: a message to topic %r reached no stream%s", topic, hint)
