"""The choice of a content coding: weights, wildcards, and what no client should send."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_datastar.codecs.negotiation import negotiate

BOTH = ("zstd", "gzip")


@pytest.mark.parametrize(
    ("header", "chosen"),
    [
        (None, None),
        ("", None),
        (" ", None),
        # What clients send: Chromium, Firefox and Node, Chromium without TLS, requests, curl --compressed.
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip, deflate", "gzip"),
        ("gzip, deflate, br", "gzip"),
        ("deflate, gzip, br, zstd", "zstd"),
        # Weights; at equal ones the server's order decides.
        ("gzip;q=1.0, zstd;q=0.5", "gzip"),
        ("gzip;q=0.5, zstd;q=0.5", "zstd"),
        ("gzip;q=0.001, zstd;q=0", "gzip"),
        ("zstd;q=0, gzip;q=0", None),
        ("gzip ; q=0.4 , zstd\t;\tq=0.8", "zstd"),
        # The wildcard stands for what is not named.
        ("*", "zstd"),
        ("*;q=0.1", "zstd"),
        ("zstd;q=0, *", "gzip"),
        ("gzip, *;q=0.5", "gzip"),
        ("br, *;q=0", None),
        ("*;q=0, gzip", "gzip"),
        # Identity is the last resort, unless it is asked for; it is sent also where it is refused.
        ("identity", None),
        ("identity, gzip", "gzip"),
        ("identity;q=0.5, gzip;q=0.4", None),
        ("identity;q=0, gzip;q=0.1", "gzip"),
        ("identity;q=0", None),
        ("identity;q=0, br", None),
        ("identity;q=0, *;q=0", None),
        ("gzip;q=0.2, *;q=0.5, zstd;q=0", None),
        # Upper case, and the old name.
        ("GZIP", "gzip"),
        ("ZStd;Q=0.5, gzip;q=0.4", "zstd"),
        ("x-gzip", "gzip"),
        ("x-gzip;q=0, gzip", None),
        # The first of two counts.
        ("gzip;q=0, gzip;q=1", None),
        # What breaks the grammar is skipped.
        ("gzip;q=2", None),
        ("gzip;q=-1", None),
        ("gzip;q=0.0001", None),
        ("gzip;q=1.001", None),
        ("gzip;q=nan", None),
        ("gzip;q=", None),
        ("gzip;level=9", None),
        ("gzip zstd", None),
        ("g\u00fczip", None),
        (",,;q=1,=,\x00, gzip,", "gzip"),
    ],
)
def test_coding_is_chosen(header: str | None, chosen: str | None) -> None:
    assert negotiate(header, BOTH) == chosen


def test_only_offered_codings_are_chosen() -> None:
    assert negotiate("zstd, gzip;q=0.1", ("gzip",)) == "gzip"
    assert negotiate("gzip;q=0.5, *;q=0.8", ("gzip",)) is None
    assert negotiate("zstd, gzip", ()) is None
    assert negotiate("zstd, gzip", ("gzip", "zstd")) == "gzip"


@given(st.text(alphabet="gzipstd,;=q*0.1 \t-xGé\n"))
def test_any_header_has_a_choice(header: str) -> None:
    assert negotiate(header, BOTH) in (None, *BOTH)


weights = st.integers(0, 1000)


@given(st.dictionaries(st.sampled_from(["zstd", "gzip", "identity", "br"]), weights), st.permutations(BOTH))
def test_nothing_offered_is_preferred_to_the_choice(accepted: dict[str, int], offered: list[str]) -> None:
    chosen = negotiate(", ".join(f"{name};q={weight / 1000:.3f}" for name, weight in accepted.items()), offered)

    highest = max(accepted.get(name, 0) for name in [*offered, "identity"])
    assert accepted.get(chosen or "identity", 0) == highest
    if chosen is None:
        assert all(accepted.get(name, 0) < highest or not highest for name in offered)
    else:
        assert all(accepted.get(name, 0) < highest for name in offered[: offered.index(chosen)])
