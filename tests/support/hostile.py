"""Messages that no process sends: made by damaging those that processes do send."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

from flask_datastar.brokers.payload import MessageKind, Payload
from flask_datastar.brokers.wire import Envelope, encode
from flask_datastar.hooks import Reason
from flask_datastar.hub.tab_messages import Beside, Closed, Found, Gone, Opened, Wanted

DEPTH = 100_000
#: Values for the place of a field: each type of JSON, and what Python reads beyond it.
VALUES: list[Any] = [
    *[None, True, False, 0, 1, -1, 2**64, 1.5, float("nan"), float("inf"), 10**400],
    *["", "x", "done", "restart", "left", "slow", "nonsense", "message", "events", "tabs", "missed", "\0", "\ud800"],
    *["ds:done", "a\nb", "é", " x", "x" * 5000, [], ["x"], {}, {"x": 1}, [[[]]]],
]
TAB_MESSAGES: list[Payload] = [
    Opened("a:1", 1, "ann", "t", "p", "/feed?", 17.5, False).encode(),
    Opened("a:2", 2, "ann", "t", None, "/feed?", 17, True).encode(),
    Opened("a:4", 2, "ann", "t", "p", "/feed?", 17, False, 1700000000000000).encode(),
    Beside("a:1", "ann", "t").encode(),
    Beside("a:1", "ann", "t", b"mark").encode(),
    Gone("a:1", "ann", "t").encode(),
    Closed("a", "ann", None, Reason.DONE).encode(),
    Closed("a", "ann", "t", Reason.RESTART).encode(),
    Closed("a", "ann", "t", Reason.RESTART, 17.5).encode(),
    Closed("a", "ann", None, Reason.DONE, None, 1700000000000000).encode(),
    Wanted("a:3", "ann", "t", "p", "/feed?").encode(),
    Found("a:3").encode(),
]
MESSAGES: list[Envelope] = [
    Envelope("a", 0, "news", MessageKind.MESSAGE, Payload(b'{"x":1}')),
    Envelope(
        "a", 5, "news", MessageKind.EVENTS, Payload(b"event: datastar-patch-signals\ndata: signals {}\n\n", "row-1")
    ),
    Envelope("a", 6, "news", MessageKind.MISSED, Payload(b"b")),
    *[Envelope("a", 0, "\0003:ann", MessageKind.TABS, payload) for payload in TAB_MESSAGES],
]


def nested(depth: int = DEPTH) -> bytes:
    return b"[" * depth + b"]" * depth


def damaged_texts(chance: random.Random, text: bytes) -> Iterator[bytes]:
    """Damage JSON: each field once by another value, then bytes by chance."""
    whole = json.loads(text)
    keys = list(whole) if isinstance(whole, dict) else range(len(whole))
    key = chance.choice(list(keys))
    changed = dict(whole) if isinstance(whole, dict) else list(whole)
    changed[key] = chance.choice(VALUES)
    yield json.dumps(changed).encode()
    del changed[key]
    yield json.dumps(changed).encode()
    yield json.dumps([whole] if chance.random() < 0.5 else {"x": whole}).encode()
    place = chance.randrange(len(text))
    yield text[:place] + bytes(chance.randrange(256) for _ in range(chance.randrange(4))) + text[place + 1 :]
    yield text[:place]
    yield nested(chance.choice([10, 2000, DEPTH])) if chance.random() < 0.05 else chance.randbytes(chance.randrange(40))


def damaged_messages(seed: int, count: int) -> Iterator[bytes]:
    """Make messages as they are on the server, whole or damaged in head or body."""
    chance, made = random.Random(seed), 0
    while made < count:
        envelope = chance.choice(MESSAGES)
        head, _, body = encode(envelope).partition(b"\n")
        for text in damaged_texts(chance, head):
            yield text + b"\n" + body
            made += 1
        if envelope.kind in (MessageKind.TABS, MessageKind.MESSAGE):
            for text in damaged_texts(chance, body):
                yield head + b"\n" + text
                made += 1
