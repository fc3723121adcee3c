"""Origins, taken apart and written as browsers do."""

from __future__ import annotations

from typing import Any

import pytest

from flask_datastar.sansio.origins import normalize_origin, split_origin


@pytest.mark.parametrize(
    ("origin", "parts"),
    [
        ("https://a.example", ("https", "a.example", 443)),
        ("http://a.example", ("http", "a.example", 80)),
        ("http://A.example:8080", ("http", "a.example", 8080)),
        ("http://[2001:DB8::1]:81", ("http", "[2001:db8::1]", 81)),
        ("http://[::1", None),
        ("https:///", None),
        ("null", None),
        ("", None),
        ("https://a.example?x", None),
        ("https://a.example#x", None),
    ],
)
def test_split_origin_takes_origins_apart(origin: str, parts: Any) -> None:
    assert split_origin(origin) == parts


def test_normalize_origin_gives_none_for_what_is_no_origin() -> None:
    assert normalize_origin("file:///etc/passwd") is None
