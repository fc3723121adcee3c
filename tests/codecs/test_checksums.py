"""Checksums of texts that come in parts, against those of whole texts."""

from __future__ import annotations

import zlib

from hypothesis import given
from hypothesis import strategies as st

from flask_datastar.codecs.checksums import shift


@given(st.binary(), st.binary())
def test_parts_have_the_checksum_of_the_whole(first: bytes, second: bytes) -> None:
    assert shift(zlib.crc32(first), len(second)) ^ zlib.crc32(second) == zlib.crc32(first + second)


@given(st.binary(min_size=1), st.integers(0, 10**6))
def test_zeros_may_be_many(text: bytes, length: int) -> None:
    zeros = bytes(length)

    assert shift(zlib.crc32(text), length) ^ zlib.crc32(zeros) == zlib.crc32(text + zeros)


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**70), st.integers(0, 2**70))
def test_lengths_add_up(checksum: int, first: int, second: int) -> None:
    """Texts of any length: a stream that lives for long gets more than memory holds."""
    assert shift(shift(checksum, first), second) == shift(checksum, first + second)
