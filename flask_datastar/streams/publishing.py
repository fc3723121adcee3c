"""Publishing: messages and events for all streams of a topic, of a user, or of one tab."""

from __future__ import annotations

from functools import partial
from typing import Any

from ..brokers.payload import MessageKind, Payload
from ..hub.limits import check_message_size
from ..security.tokens import check_no_token
from ..state.app import AppState
from .broadcast import Broadcast
from .commits import publish_at_commit
from .current import hub_of
from .servers import check_publisher
from .unheard import note_unheard


def publish_message(app_state: AppState, topic: str, data: Any) -> None:
    """Publish data, as JSON, to the streams that subscribed to a topic.

    :raises ValueError: if the data has no strict JSON form, or is too large.
    :raises SetupError: if most streams would not get it, or the data contains the sender's CSRF token.
    :raises BrokerError: if the streams of other processes may not get it.
    """
    payload = Payload(app_state.dumps(data).encode())
    check_message_size(app_state.settings, len(payload.data))
    check_no_token(app_state, payload.data)
    _publish(app_state, topic, MessageKind.MESSAGE, payload)


def broadcast_events(app_state: AppState, topic: str, *, compress: bool = True) -> Broadcast:
    """Return an object that sends events to the streams that follow a topic.

    :param compress: whether they may be encoded, together with other events.
    """
    kind = MessageKind.EVENTS if compress else MessageKind.STORED
    return Broadcast(app_state, partial(_publish, app_state, topic, kind))


def _publish(app_state: AppState, topic: str, kind: MessageKind, payload: Payload) -> None:
    """Send a payload to all streams of a topic: at once, or when the current transaction is committed."""
    check_publisher(app_state)
    hub = hub_of(app_state)
    note_unheard(app_state, hub, topic, kind)
    publish = partial(hub.bus.publish, topic, kind, payload)
    if not publish_at_commit(app_state, publish):
        publish()
