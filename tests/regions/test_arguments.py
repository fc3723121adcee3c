"""Arguments of a region's call: converted as a handler's parameters are, and refused in words."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from werkzeug.local import LocalProxy

from flask_datastar import Datastar
from flask_datastar.errors import SetupError


class Size(Enum):
    SMALL = "s"


ID = UUID("12345678123456781234567812345678")


@pytest.mark.parametrize(
    ("annotation", "given", "expected"),
    [
        (Size, Size.SMALL, Size.SMALL),
        (Size, "s", Size.SMALL),
        (date, date(2026, 1, 2), date(2026, 1, 2)),
        (time, time(3, 4), time(3, 4)),
        (datetime, datetime(2026, 1, 2, 3), datetime(2026, 1, 2, 3)),
        (UUID, ID, ID),
        (UUID, str(ID), ID),
        (Decimal, Decimal("1.50"), Decimal("1.50")),
        (timedelta, timedelta(minutes=2), timedelta(minutes=2)),
        (list[UUID], [ID, str(ID)], [ID, ID]),
        (list[int], [LocalProxy(lambda: 3), "4"], [3, 4]),
        (int, LocalProxy(lambda: 3), 3),
        (Any, "3", "3"),
    ],
)
def test_an_argument_is_converted_by_its_annotation(
    app: Flask, datastar: Datastar, annotation: Any, given: Any, expected: Any
) -> None:
    def part(x) -> str:  # type: ignore[no-untyped-def]
        return ""

    part.__annotations__["x"] = annotation
    region = datastar.region(group="shop")(part)

    assert region(given).arguments == {"x": expected}
    assert region(given).identity == region(expected).identity


def test_arguments_that_do_not_fit_are_refused(app: Flask, datastar: Datastar) -> None:
    @datastar.region(group="shop")
    def part(x: int, y: int = 1) -> str:
        return ""

    with pytest.raises(ValueError, match=r"part: argument 'x' is 'a': "):
        part("a")
    with pytest.raises(TypeError, match=r"part: .*'z'.*; its parameters: x, y"):
        part(1, z=2)
    with (
        pytest.raises(TypeError, match=r"part has no parameter 'z'; its parameters: x, y"),
        app.app_context(),
    ):
        part.changed(z=2)


def test_an_annotation_that_nothing_converts_to_is_refused(app: Flask, datastar: Datastar) -> None:
    class Card:
        def __init__(self, *, title: str) -> None: ...

    def part(card) -> str:  # type: ignore[no-untyped-def]
        return ""

    part.__annotations__["card"] = Card

    with pytest.raises(SetupError, match=r"part: parameter 'card': "):
        datastar.region(group="shop")(part)
