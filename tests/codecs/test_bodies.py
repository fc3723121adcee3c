"""Bodies of many streams in random mixtures of everything, read by independent decoders: not a byte is wrong."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.codecs.mixtures import SmallHub, event
from tests.codecs.readers import READERS, text_of

CODINGS = ("zstd", "gzip")
CLIENTS = 4

clients, groups, flags = st.integers(0, CLIENTS - 1), st.integers(0, 1), st.booleans()
events = st.one_of(
    st.builds(event, st.just("card"), st.integers(0, 9)),
    st.builds(event, st.just("table"), st.integers(0, 99)),
    st.builds(event, st.just("colons"), st.integers(1, 40)),
    st.builds(event, st.just("pattern"), st.integers(1, 40)),
    st.builds(event, st.just("noise"), st.sampled_from([1, 2, 100, 4000, 70_000])),
    st.builds(event, st.just("large"), st.integers(0, 99)),
    st.binary(max_size=40).map(lambda text: text + b"\n\n"),
)
steps = st.one_of(
    # Most steps are events, as in life.
    st.tuples(st.just("publish"), groups, events, st.none(), st.just(False)),
    st.tuples(st.just("publish"), groups, events, st.none(), st.just(False)),
    st.tuples(st.just("publish"), groups, events, st.none() | clients, flags),
    st.tuples(st.just("own"), clients, events, flags),
    st.tuples(st.just("person"), st.lists(clients, unique=True), events, flags),
    st.tuples(st.just("keepalive"), clients),
    st.tuples(st.just("join"), clients, st.none() | groups),
    st.tuples(st.just("slow"), clients, flags),
    st.tuples(st.just("full"), clients),
    st.tuples(st.just("take"), clients, st.integers(1, 5)),
    st.tuples(st.just("replace"), clients),
    st.tuples(st.just("idle"), st.sampled_from([1, 40])),
)
sizes = st.lists(st.integers(1, 5000), max_size=3)


def run(hub: SmallHub, step: tuple[Any, ...]) -> None:
    hub.now += 1
    what, *given_ = step
    if what == "publish":
        group, data, left_out, is_stored = given_
        hub.groups[group].publish(data, hub.now, None if left_out is None else hub.clients[left_out], is_stored)
    elif what == "person":
        hub.send_to_person([hub.clients[number] for number in given_[0]], *given_[1:])
    elif what == "idle":
        hub.now += given_[0]
        hub.pool.drop_idle(hub.now)
    else:
        client = hub.clients[given_[0]]
        if what == "own":
            client.own(*given_[1:])
        elif what == "keepalive":
            client.wait()
        elif what == "join":
            hub.join(client, None if given_[1] is None else hub.groups[given_[1]])
        elif what == "slow":
            client.is_slow = given_[1]
        elif what == "full":
            client.is_full = True
        elif what == "take":
            client.take(given_[1])
        else:
            assert what == "replace"
            hub.replace(client)


@pytest.mark.parametrize("coding", CODINGS)
@given(st.lists(steps, max_size=40), sizes)
def test_any_mixture_is_read_as_it_was_sent(coding: str, mixture: list[tuple[Any, ...]], parts: list[int]) -> None:
    hub = SmallHub(coding, CLIENTS, parts)
    for number, step in enumerate(mixture):
        run(hub, step)
        # Not only at the end: what was sent can be read at once.
        hub.clients[number % CLIENTS].check()
    hub.end()
    assert hub.pool.counts.bytes_in > 0


@pytest.mark.parametrize("coding", CODINGS)
def test_a_long_life_is_read_by_programs_and_libraries(coding: str) -> None:
    chance = random.Random(7)
    # Room for one encoder of gzip, or two of zstd: groups take them from each other.
    hub = SmallHub(coding, 6, [chance.randint(1, 3000)], limit_bytes=600_000)
    for number in range(600):
        group = chance.choice(hub.groups)
        group.publish(event(chance.choice(["card", "table"]), number), number, None, chance.random() < 0.02)
        client = chance.choice(hub.clients)
        if chance.random() < 0.05:
            hub.join(client, chance.choice(hub.groups))
        elif chance.random() < 0.05:
            client.own(event("table", number), chance.random() < 0.5)
        elif chance.random() < 0.05:
            client.wait()
        elif chance.random() < 0.03:
            hub.replace(client)
    hub.end()

    counts = hub.pool.counts
    assert counts.keys > 5
    assert counts.alone > 50
    assert counts.bytes_out * 3 < counts.bytes_in
    assert len(hub.ended) > 20
    for client in hub.ended[-6:]:
        for read in READERS:
            assert text_of(read(coding, bytes(client.wire))) == text_of(bytes(client.expected))


@pytest.mark.parametrize("coding", CODINGS)
def test_a_body_may_hold_nothing(coding: str) -> None:
    hub = SmallHub(coding, 1, [])
    body = hub.pool.body(hub.coding)

    wire = body.start() + body.own(b"") + body.keepalive() + body.end()

    for read in READERS:
        assert read(coding, wire) == b""
