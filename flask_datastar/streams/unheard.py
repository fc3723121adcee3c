"""What is published and reaches no stream: a line in the log, in debug mode."""

from __future__ import annotations

from difflib import get_close_matches

from ..brokers.payload import MessageKind
from ..hub.hub import StreamHub
from ..hub.stream import Stream
from ..state.app import AppState
from .follow import Follow
from .subscribe import Messages

#: What listens to a topic and ignores what is published, or broadcast, to it.
_IGNORING: dict[MessageKind, tuple[type, ...]] = {
    MessageKind.MESSAGE: (Follow, Stream),
    MessageKind.EVENTS: (Messages,),
}


def note_unheard(app_state: AppState, hub: StreamHub, topic: str, kind: MessageKind) -> None:
    """Log, in debug mode, that nobody here gets what is published, where there can be nobody elsewhere."""
    if not app_state.app.debug or hub.bus.is_shared or topic.startswith("\0"):
        return
    listeners = hub.topics.subscribers(topic)
    if not all(isinstance(listener, _IGNORING[kind]) for listener in listeners):
        return
    if listeners and kind is MessageKind.MESSAGE:
        hub.notices.warn(
            "Datastar: what was published to %r reached no stream: those that are there follow() it, which gets "
            "what is sent by broadcast(%r)",
            topic,
            topic,
        )
    elif listeners:
        hub.notices.warn(
            "Datastar: what was broadcast to %r reached no stream: those that are there subscribe() to it, which gets "
            "what is sent by publish(%r)",
            topic,
            topic,
        )
    else:
        near = get_close_matches(topic, hub.topics.names())
        hint = f"; there are streams of {', '.join(map(repr, near))}" if near else ""
        hub.notices.warn("Datastar: what was published to %r reached no stream%s", topic, hint)
