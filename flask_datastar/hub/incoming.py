"""The check of messages that come from the broker."""

from __future__ import annotations

from ..brokers.payload import MessageKind, Payload
from ..sansio.events import check_event_id


def check_message(topic: str, kind: str, payload: Payload) -> MessageKind:
    """Check a message from the broker, because others may be able to write to its server, and return its kind.

    :raises ValueError: if no process of this app sends such a message. The text quotes no part of the message, so that
        it is logged once.
    """
    if not isinstance(topic, str) or not isinstance(payload.data, bytes):
        raise ValueError("its topic or data has the wrong type")
    try:
        known = MessageKind(kind)
    except ValueError:
        raise ValueError("its kind is unknown") from None
    if known is MessageKind.EVENTS and not payload.data.endswith(b"\n\n"):
        # Otherwise the event after it would become a part of it.
        raise ValueError("its last event has no end")
    if payload.last_id is not None:
        try:
            check_event_id(payload.last_id)
        except (ValueError, TypeError):
            raise ValueError("its event id is invalid") from None
    return known
