"""The format of messages between processes: a line of JSON that describes the data, then the data as bytes."""

from __future__ import annotations

import json
from dataclasses import dataclass

from .payload import MessageKind, Payload

#: A process must not read any part of a message in a later format, so a new format gets a new number.
_VERSION = 1
_KINDS = frozenset(MessageKind)


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message between processes."""

    #: The process that published it, and its number there.
    origin: str
    number: int
    topic: str
    kind: str
    payload: Payload


def encode(envelope: Envelope) -> bytes:
    """Encode a message."""
    payload = envelope.payload
    head = [_VERSION, envelope.origin, envelope.number, envelope.topic, envelope.kind, payload.last_id]
    return json.dumps(head, separators=(",", ":")).encode() + b"\n" + payload.data


def decode(data: bytes) -> Envelope:
    """Decode a message. Every field is checked, because anybody may write to the server that it comes from.

    :raises ValueError: if it cannot come from a process with this version of the format.
    """
    head, separator, body = data.partition(b"\n")
    try:
        version, origin, number, topic, kind, last_id = json.loads(head)
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(f"not a message of Flask-Datastar: {data[:80]!r}") from error
    if type(version) is not int or version != _VERSION or not separator:
        raise ValueError(f"a message in format {str(version)[:80]!r}; known: {_VERSION}")
    if not (
        isinstance(origin, str)
        and type(number) is int
        and isinstance(topic, str)
        and isinstance(kind, str)
        and kind in _KINDS
        and isinstance(last_id, str | None)
    ):
        raise ValueError(f"a message with fields that no process sends: {head[:80]!r}")
    return Envelope(origin, number, topic, MessageKind(kind), Payload(body, last_id))
