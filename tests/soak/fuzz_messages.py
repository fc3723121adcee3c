"""Messages that no process sends, by the hundred thousand: none may raise, hold anything up, or harm a stream.

usage: python -m tests.soak.fuzz_messages [--count N] [--seed N]

Each is read as Redis would give it, and handed to the bus of an app that has streams. The exit status is 1 when one
raised, took longer than a second, or changed what is open.
"""

from __future__ import annotations

import argparse
import logging
import os
import random
import sys
import time
from collections import Counter

from flask import Flask

from flask_datastar import Datastar
from flask_datastar.brokers.wire import Envelope, decode
from flask_datastar.hub.hub import StreamHub
from flask_datastar.hub.tabs import TabEntry
from flask_datastar.state.app import app_state_of
from flask_datastar.streams.current import hub_of
from tests.brokers.joined import BROKERS, URL
from tests.support.hostile import damaged_messages

SLOW_SECONDS = 1.0


def make_hub(name: str) -> StreamHub:
    app = Flask(name)
    Datastar(app, brokers=BROKERS, broker_url=URL)
    return hub_of(app_state_of(app))


def open_streams(hub: StreamHub) -> None:
    """Register streams as a server does that iterates them, and let them follow."""
    for scope in ("ann", "bob"):
        for tab in ("t", "u", None):
            stream = hub.new_stream()
            stream.entry = TabEntry(scope, tab, "p", "/feed?", "feed", time.time(), stream)
            hub.open(stream, (scope, tab, "feed"))
            hub.bus.subscribe(("news",), stream)


def is_order(envelope: Envelope) -> bool:
    """Return whether a message is an order that is obeyed although a stranger sent it."""
    return envelope.kind == "tabs" and (b'"close"' in envelope.payload.data or b'"opened"' in envelope.payload.data)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    # Orders that are obeyed go to an app of their own, whose streams may end.
    hub, obedient = make_hub("shop"), make_hub("other")
    for one in (hub, obedient):
        open_streams(one)
    seen: Counter[str] = Counter()
    slowest = 0.0
    for number, data in enumerate(damaged_messages(options.seed, options.count)):
        begin = time.monotonic()
        try:
            envelope = decode(data)
        except ValueError:
            seen["refused"] += 1
        except BaseException as error:
            seen["raised"] += 1
            print(f"message {number} of seed {options.seed}: {error!r}: {data[:200]!r}")
        else:
            seen["read"] += 1
            try:
                (obedient if is_order(envelope) else hub).bus.receive(envelope.topic, envelope.kind, envelope.payload)
            except BaseException as error:
                seen["raised"] += 1
                print(f"message {number} of seed {options.seed}: {error!r}: {data[:200]!r}")
        slowest = max(slowest, time.monotonic() - begin)
        for stream in [*hub._snapshot(), *obedient._snapshot()]:
            stream.take()
    harmed = [stream for stream in hub._snapshot() if stream.must_end]
    figures = ", ".join(f"{count:,} {what}" for what, count in sorted(seen.items()))
    print(f"messages of seed {options.seed}: {figures}; the slowest took {slowest * 1000:.1f} ms; {len(harmed)} harmed")
    sys.stdout.flush()
    return 1 if seen["raised"] or harmed or slowest > SLOW_SECONDS else 0


if __name__ == "__main__":
    # The timer's thread and the bus stay; nothing has to be told to anybody.
    os._exit(main())
