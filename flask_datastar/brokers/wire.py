"""The format of what processes tell each other: messages, as a line of JSON and the data, and the tabs of a process."""

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


def as_bytes(text: str) -> bytes:
    """Return any text of Python as bytes, even if it is not valid Unicode."""
    return text.encode("utf-8", "surrogatepass")


def as_text(data: bytes) -> str:
    """Return a text that some process has written, "" for anything else."""
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return ""


def member_of(scope: str, tab: str) -> bytes:
    """Return the member of a process's sets that stands for a tab."""
    return as_bytes(f"{tab}\0{scope}")


def split_member(member: bytes) -> tuple[bytes, bytes]:
    """Return tab and scope of a member of a process's sets."""
    tab, _, scope = member.partition(b"\0")
    return tab, scope


def as_number(count: bytes) -> int:
    """Return a count that some process has written, 0 for anything else."""
    try:
        return max(int(count), 0)
    except ValueError:
        return 0
