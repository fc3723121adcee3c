"""Compressed bodies, read as they arrive."""

from __future__ import annotations

import gzip
import sys
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_datastar import sse
from flask_datastar.sansio.decoding import BodyDecoder, zstd_library

EVENTS = [sse.patch_signals({"number": number, "text": "é" * number}) for number in range(20)]
TEXT = b"".join(event.encode() for event in EVENTS)


def compress(coding: str, text: bytes) -> bytes:
    if coding == "identity":
        return text
    compressed: bytes = gzip.compress(text) if coding == "gzip" else zstd_library().compress(text)
    return compressed


@pytest.mark.parametrize("coding", ["identity", "gzip", "zstd"])
@given(st.lists(st.integers(1, 200), min_size=1), st.integers(0, len(TEXT)))
def test_bodies_are_read_in_pieces_of_any_size(coding: str, sizes: list[int], cut: int) -> None:
    # Two members: servers may write several.
    body = compress(coding, TEXT[:cut]) + compress(coding, TEXT[cut:])
    parser, decoder = sse.EventParser(coding), BodyDecoder(coding)
    found, text = [], b""
    while body:
        size = sizes[0]
        sizes = [*sizes[1:], size]
        part, body = body[:size], body[size:]
        found += parser.feed(part)
        text += decoder.decode(part)

    assert text == TEXT
    assert found == EVENTS


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_what_was_flushed_is_read_at_once(coding: str) -> None:
    parser = sse.EventParser(coding)
    if coding == "gzip":
        encoder = zlib.compressobj(wbits=31)
        parts = [encoder.compress(event.encode()) + encoder.flush(zlib.Z_SYNC_FLUSH) for event in EVENTS]
    else:
        compressor = zstd_library().ZstdCompressor()
        parts = [compressor.compress(event.encode(), compressor.FLUSH_BLOCK) for event in EVENTS]

    assert [parser.feed(part) for part in parts] == [[event] for event in EVENTS]


@pytest.mark.parametrize("coding", ["GZIP", " x-gzip "])
def test_names_are_read_as_servers_write_them(coding: str) -> None:
    assert sse.parse_events(gzip.compress(TEXT), coding) == EVENTS


@pytest.mark.parametrize("coding", [None, "", "Identity"])
def test_text_itself_needs_no_coding(coding: str | None) -> None:
    assert sse.parse_events(TEXT, coding) == EVENTS


@pytest.mark.parametrize("coding", ["br", "deflate", "gzip, zstd"])
def test_other_codings_are_refused(coding: str) -> None:
    with pytest.raises(ValueError, match=rf"'{coding}': only gzip, zstd and identity can be read"):
        BodyDecoder(coding)


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_what_is_not_of_the_coding_is_refused(coding: str) -> None:
    with pytest.raises(ValueError, match=f"not valid {coding}"):
        sse.parse_events(TEXT, coding)
    decoder = BodyDecoder(coding)
    decoder.decode(compress(coding, TEXT))
    with pytest.raises(ValueError, match=f"not valid {coding}"):
        decoder.decode(TEXT)


def test_zstd_without_its_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("backports.zstd", "compression.zstd"):
        monkeypatch.setitem(sys.modules, name, None)

    with pytest.raises(ValueError, match=r'pip install "Flask-Datastar\[zstd\]"'):
        BodyDecoder("zstd")
