"""Messages on the broker: the tab that one leaves out, and the check of those that come."""

from __future__ import annotations

from ..brokers.payload import MessageKind, Payload
from ..sansio.events import check_event_id

_BUT = "\0but:"
_EVENTS = (MessageKind.EVENTS, MessageKind.STORED)


def topic_without(topic: str, but: str) -> str:
    """Return the topic of a message for the broker, which carries the tab that does not get it.

    Every broker carries topics unchanged, so the tab needs no field of its own.
    """
    return f"{_BUT}{len(but)}:{but}{topic}"


def read_topic(topic: str) -> tuple[str, str | None]:
    """Return the topic of a message from the broker, and the tab that does not get it.

    :raises ValueError: if no process of this app sends such a topic.
    """
    if not topic.startswith(_BUT):
        return topic, None
    length, _, rest = topic.removeprefix(_BUT).partition(":")
    if not (length.isascii() and length.isdecimal() and len(length) < 10 and 0 < int(length) < len(rest)):
        raise ValueError("its topic leaves out no tab")
    return rest[int(length) :], rest[: int(length)]


def read_message(topic: str, kind: str, payload: Payload) -> tuple[MessageKind, str, str | None]:
    """Check a message from the broker, because others may be able to write to its server.

    :return: its kind, its topic, and the tab that does not get it.
    :raises ValueError: if no process of this app sends such a message. The text quotes no part of the message, so that
        it is logged once.
    """
    if not isinstance(topic, str) or not isinstance(payload.data, bytes):
        raise ValueError("its topic or data has the wrong type")
    try:
        known = MessageKind(kind)
    except ValueError:
        raise ValueError("its kind is unknown") from None
    if known in _EVENTS and not payload.data.endswith(b"\n\n"):
        # Otherwise the event after it would become a part of it.
        raise ValueError("its last event has no end")
    if payload.last_id is not None:
        try:
            check_event_id(payload.last_id)
        except (ValueError, TypeError):
            raise ValueError("its event id is invalid") from None
    return known, *read_topic(topic)
