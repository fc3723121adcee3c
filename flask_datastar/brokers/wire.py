"""How a message travels: a line of JSON that says what it is, then the bytes as they are."""

from __future__ import annotations

import json
from dataclasses import dataclass

from .payload import Payload

#: Of a message in a later form, a process that does not know it yet must not take anything: a new number says so.
_VERSION = 1


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
    """Write a message."""
    payload = envelope.payload
    head = [_VERSION, envelope.origin, envelope.number, envelope.topic, envelope.kind, payload.last_id]
    return json.dumps(head, separators=(",", ":")).encode() + b"\n" + payload.data


def decode(data: bytes) -> Envelope:
    """Read a message.

    :raises ValueError: it is none, or of another version of this package.
    """
    head, separator, body = data.partition(b"\n")
    try:
        version, origin, number, topic, kind, last_id = json.loads(head)
    except (ValueError, TypeError) as error:
        raise ValueError(f"no message of Flask-Datastar: {data[:80]!r}") from error
    if version != _VERSION or not separator:
        raise ValueError(f"a message of form {version!r}; known: {_VERSION}")
    return Envelope(origin, number, topic, kind, Payload(body, last_id))
