"""Streams by the ten thousand, opened by hostile requests beside each other, and told things meanwhile.

usage: python -m tests.soak.fuzz_streams [--count N] [--seed N]

Streams of two applications open, step, end, break off and take each other's place. No request may be answered with a
5xx or take a second, no event may have a field that came from an input, nothing may reach another scope or topic, and
nothing may be left. The exit status is 1 when one of that failed.
"""

from __future__ import annotations

import os
import random
import sys
from functools import partial
from typing import Any

from flask import Flask

from flask_datastar import Datastar
from tests.brokers.joined import URL
from tests.soak.fuzz_making import Sent
from tests.soak.fuzz_stream_app import addressees, hex_of, make_app
from tests.soak.fuzz_stream_pool import TABS, TOPICS, WHOS, Opened, make_opening, one_of
from tests.soak.fuzz_watch import Timer, Watch, chance_of, finish, numbers, read_options
from tests.support.streams import hub_for

MOST_OPEN = 30


class Site:
    """One application and its open streams."""

    def __init__(self, app: Flask, watch: Watch) -> None:
        self.app = app
        self.datastar: Datastar = app.extensions["datastar"]
        self.open: list[Opened] = []
        self._watch = watch
        watch.note_errors(app)

    def act(self, number: int, chance: random.Random, sent: Sent, who: str) -> None:
        """Open a stream, tell the open ones something, and let some of them go on."""
        try:
            opened = Opened(self.app, sent, who)
            # Read a moment later, after others: they may have told it something meanwhile.
            opened.step()
        except Exception as error:
            self._watch.fail("raised", number, f"{error!r} for {sent}")
            return
        self.open.append(opened)
        with self.app.app_context():
            self._tell(chance)
        for other in chance.sample(self.open, min(3, len(self.open))):
            other.step()
        for other in [other for other in self.open if other.has_ended]:
            self.close(number, other)
        if chance.random() < 0.1 and self.open:
            chance.choice(self.open).is_gone = True
        if len(self.open) > MOST_OPEN:
            self.close(number, chance.choice(self.open))

    def _tell(self, chance: random.Random) -> None:
        """Publish to a topic or a scope, or end the streams of a scope; names that are refused are refused."""
        datastar, topic, who = self.datastar, one_of(chance, TOPICS), one_of(chance, WHOS)
        tab: Any = {} if chance.random() < 0.5 else {"tab": one_of(chance, TABS)}
        text = one_of(chance, ["hello"])
        way = chance.randrange(5)
        try:
            if way == 0:
                datastar.publish(topic, {"on": hex_of(topic), "text": text})
            elif way == 1:
                datastar.broadcast(topic).patch_signals({"on": hex_of(topic), "text": text})
            elif way in (2, 3):
                datastar.broadcast_to(who, **tab).patch_signals({"to": hex_of(who), "text": text})
            elif chance.random() < 0.3:
                datastar.tabs.close(who, **tab, restart=chance.random() < 0.5)
        except ValueError:
            self._watch.seen["told names that are refused"] += 1

    def close(self, number: int, opened: Opened) -> None:
        """End a response, and check all of it."""
        self.open.remove(opened)
        try:
            opened.close()
        except Exception as error:
            self._watch.fail("raised", number, f"{error!r} at the end of {opened.sent}")
        self._watch.check_response(number, opened.status, opened.headers, opened.received, opened.sent)
        own = ("to", hex_of(opened.who))
        for address in addressees(opened.received):
            if address[0] == "to" and address != own:
                self._watch.fail("leaked", number, f"{address} to {opened.who!r} by {opened.sent}")

    def finish(self, number: int) -> None:
        """Close everything, and check that nothing is left."""
        for opened in list(self.open):
            self.close(number, opened)
        hub = hub_for(self.app)
        stats = hub.stats()
        with self.app.app_context():
            count = self.datastar.tabs.count()
        if stats["open"] or count or not hub.topics.is_empty or stats["opened"] != sum(stats["ended"].values()):
            self._watch.fail("left behind", number, f"{stats}, {count} tabs, topics empty: {hub.topics.is_empty}")
        for reason, ended in stats["ended"].items():
            self._watch.seen[f"ended {reason}"] += ended


def main() -> int:
    options = read_options(__doc__, 100_000)
    watch = Watch("fuzz_streams", options.seed)
    timer = Timer(watch)
    sites = [Site(make_app("alone", "memory://"), watch), Site(make_app("joined", URL), watch)]
    number = 0
    for number in numbers(options):
        chance = chance_of(options.seed, number)
        act = partial(sites[number % 2].act, number, chance, *make_opening(chance))
        timer.run(number, act)
    for site in sites:
        site.finish(number)
    return finish(watch)


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    # The timer's thread stays.
    os._exit(status)
