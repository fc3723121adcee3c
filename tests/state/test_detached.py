"""Rendering that is detached from a request: where URLs lead, and around what the names of actions are looked for."""

from __future__ import annotations

import contextvars

import pytest
from flask import Flask

from flask_datastar import Datastar
from flask_datastar.errors import SetupError
from flask_datastar.state.detached import Detached, find_detached, rendering_detached

PLACE = Detached(title="cards(3)", group="board", module="shop.board", root_path="/mnt")


@pytest.fixture(autouse=True)
def handlers(datastar: Datastar) -> None:
    for group in ("board", "people"):

        @datastar.handler(name="add", group=group)
        def add() -> None: ...


def test_the_place_is_known_inside_only() -> None:
    with rendering_detached(PLACE):
        assert find_detached() is PLACE
    assert find_detached() is None


def test_actions_are_looked_for_in_the_group(app: Flask, datastar: Datastar) -> None:
    with app.app_context(), rendering_detached(PLACE):
        assert datastar.post("add").js.startswith("@post('/mnt/ds/board/add?")


def test_without_a_place_two_handlers_of_a_name_are_refused(app: Flask, datastar: Datastar) -> None:
    with app.app_context(), pytest.raises(SetupError, match="several handlers fit 'add'"):
        datastar.post("add")


def test_actions_are_looked_for_in_the_module(app: Flask, datastar: Datastar) -> None:
    place = Detached(title="cards(3)", group="other", module=__name__, root_path="")

    @datastar.handler(group="third")
    def remove() -> None: ...

    elsewhere = Datastar.handler(datastar, group="fourth", name="remove")
    foreign = eval("lambda: None", {"__name__": "elsewhere"})
    foreign.__qualname__ = "remove"
    elsewhere(foreign)

    with app.app_context(), rendering_detached(place):
        assert datastar.post("remove").js.startswith("@post('/ds/third/remove?")


def test_scripts_are_below_the_mount(app: Flask, datastar: Datastar) -> None:
    with app.app_context(), rendering_detached(PLACE):
        assert datastar.post("add", _prefix="/en").js.startswith("@post('/mnt/en/ds/board/add?")


def test_another_context_does_not_know_the_place() -> None:
    with rendering_detached(PLACE):
        assert contextvars.Context().run(find_detached) is None
