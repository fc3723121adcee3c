"""A view as a stream follows it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from flask_datastar import Datastar
from flask_datastar.regions.process import live_regions_of
from flask_datastar.state.app import app_state_of


class Stream:
    """A subscriber that may fail."""

    def __init__(self, fails: bool = False) -> None:
        self.fails = fails
        self.events: list[bytes] = []

    def deliver(self, topic: str, kind: Any, payload: Any) -> None:
        if self.fails:
            raise ConnectionError("gone")
        self.events.append(payload.data)

    def catch_up(self) -> None: ...


@pytest.fixture
def source(app: Flask, datastar: Datastar) -> Iterator[Any]:
    @datastar.region(group="shop")
    def part() -> str:
        return '<p id="part"></p>'

    with app.test_request_context():
        yield part().__datastar_source__()


def views_of(app: Flask) -> int:
    return live_regions_of(app_state_of(app)).stats()["views"]  # type: ignore[no-any-return]


def test_a_view_is_followed_until_the_stream_leaves(app: Flask, source: Any) -> None:
    stream = Stream()
    source.attach(stream)

    assert views_of(app) == 1
    assert b'<p id="part"></p>' in stream.events[0]
    source.detach(stream)
    source.detach(stream)
    assert views_of(app) == 0


def test_a_stream_that_fails_at_the_first_state_follows_nothing(app: Flask, source: Any) -> None:
    with pytest.raises(ConnectionError):
        source.attach(Stream(fails=True))

    assert views_of(app) == 0


def test_a_source_that_follows_nothing_can_be_handed_over_and_left(app: Flask, source: Any) -> None:
    source.hand_over(Stream(), Stream())
    source.detach(Stream())

    assert views_of(app) == 0
