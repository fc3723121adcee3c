"""The wire format of both codings, in its parts, and which codings can be used."""

from __future__ import annotations

import itertools
import sys
import threading
import zlib

import pytest

from flask_datastar.codecs import codings, zstd_coding
from flask_datastar.codecs.base import Coding
from flask_datastar.codecs.codings import CODINGS, coding_named, is_available
from tests.codecs.mixtures import event
from tests.codecs.readers import COMMENT, READERS, text_of, whole, zstd

#: Events that start with a repetition, and others. Comments may stand between them.
TEXTS = [
    *(event("colons", 24), b"aaaaaaaaa\n\n", b"abababababab\n\n", b"abcabcabcabcabc\n\n", b"a\n\n\n\n\n\n\n"),
    *(event("table", 1), event("card", 1), event("noise", 100), event("pattern", 3)),
]


@pytest.fixture(params=CODINGS)
def coding(request: pytest.FixtureRequest) -> Coding:
    return coding_named(request.param)


def end(coding: Coding, text: bytes) -> bytes:
    return coding.end(coding.checksum(text, 0), len(text))


def read(coding: Coding, *parts: bytes, text: bytes) -> bytes:
    return text_of(whole(coding.name, coding.head + b"".join(parts) + end(coding, text)))


# The format


def test_body_declares_its_window() -> None:
    info = zstd.get_frame_info(coding_named("zstd").head)

    assert info.decompressed_size is None
    assert info.dictionary_id == 0
    assert coding_named("zstd").head.hex() == "28b52ffd0058"
    # RFC 8878: 2 ** (10 + exponent), the exponent in the upper five bits.
    assert 10 + (coding_named("zstd").head[5] >> 3) == 21


@pytest.mark.parametrize("size", [1, 65_535, 65_536, 131_072, 131_073, 400_000])
def test_stored_data_is_in_the_body_as_it_is(coding: Coding, size: int) -> None:
    text = event("noise", size)

    stored = coding.stored(text)

    assert text[:60_000] in stored
    assert len(stored) <= len(text) + 5 * (len(text) // 65_535 + 1)
    assert read(coding, stored, stored, text=text * 2) == text * 2


def test_nothing_stored_is_nothing(coding: Coding) -> None:
    assert coding.stored(b"") == b""


def test_empty_blocks_hold_no_text(coding: Coding) -> None:
    assert read(coding, coding.empty, coding.stored(b"a"), coding.empty * 3, text=b"a") == b"a"


def test_every_segment_can_follow_every_other(coding: Coding) -> None:
    for first, second in itertools.product(TEXTS, TEXTS):
        segments = [coding.alone(first), coding.encoder(15).block(second), coding._alone(first), coding._alone(second)]
        text = first + second + first + second

        assert read(coding, *segments, text=text) == text_of(text)


def test_repeat_offsets_must_be_set() -> None:
    """Some segments are read wrongly without the blocks that set the repeat offsets: they are not there for nothing."""
    coding = coding_named("zstd")
    reset = len(zstd_coding._RESET)
    wrong = 0
    for first, second in itertools.product(TEXTS, TEXTS):
        bare = coding._alone(second)[reset:]
        wire = coding.head + coding._alone(first) + bare + coding.end(0, 0)
        try:
            wrong += text_of(zstd.decompress(wire)) != text_of(first + second)
        except zstd.ZstdError:
            wrong += 1

    assert wrong > 0


def test_repeat_offsets_are_set_by_a_comment() -> None:
    coding = coding_named("zstd")

    text = zstd.decompress(coding.head + zstd_coding._RESET + coding.end(0, 0))

    assert text == b":" * 17 + b"\n\n"
    assert COMMENT.fullmatch(text)


def test_blocks_refer_to_earlier_events(coding: Coding) -> None:
    encoder = coding.encoder(17)
    blocks = [encoder.block(event("table", number)) for number in range(20)]

    text = b"".join(event("table", number) for number in range(20))
    assert read(coding, *blocks, text=text) == text
    assert max(map(len, blocks[1:])) * 4 < len(blocks[0])


@pytest.mark.parametrize("log", range(15, 22))
def test_every_window_fits_into_the_declared_one(log: int) -> None:
    """Encoders with large windows look back far; the decoder must have kept enough."""
    coding = coding_named("zstd")
    encoder, size = coding.encoder(log), (1 << log) // 5
    texts = [event("noise", size), *(event("noise", size + number) for number in range(1, 8)), event("noise", size)]

    blocks = [encoder.block(text) for text in texts]

    assert read(coding, *blocks, text=b"".join(texts)) == text_of(b"".join(texts))


def test_alone_encoders_are_used_again_and_remember_nothing(coding: Coding) -> None:
    text = event("table", 1)

    first, second = coding.alone(text), coding.alone(text)

    assert first == second
    assert read(coding, second, text=text) == text


def test_threads_encode_alone_at_the_same_time_and_leave_few_encoders() -> None:
    coding = coding_named("zstd")
    texts = [event("table", number) for number in range(12)]
    started = threading.Barrier(len(texts))
    found: dict[int, list[bytes]] = {}

    def work(number: int) -> None:
        started.wait(10)
        found[number] = [coding.alone(texts[number]) for _ in range(50)]

    threads = [threading.Thread(target=work, args=[number]) for number in range(len(texts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    for number, text in enumerate(texts):
        assert {*found[number]} == {coding.alone(text)}
        assert read(coding, *found[number], text=text * 50) == text_of(text * 50)
    assert len(coding._idle) <= zstd_coding._MOST_IDLE  # type: ignore[attr-defined]


def test_end_counts_the_length_in_32_bits() -> None:
    coding = coding_named("gzip")

    assert coding.end(1, 2**32 + 5) == b"\x03\0" + b"\1\0\0\0" + b"\5\0\0\0"


def test_end_of_gzip_is_checked_by_readers() -> None:
    coding = coding_named("gzip")
    good = coding.head + coding.stored(b"a") + end(coding, b"a")

    for reader in READERS:
        assert reader("gzip", good) == b"a"
    with pytest.raises(zlib.error):
        zlib.decompress(good[:-5] + b"\0" + good[-4:], wbits=31)


# What can be used


def test_codings_are_found_by_name() -> None:
    assert [coding_named(name).name for name in CODINGS] == [*CODINGS]
    assert all(is_available(name) for name in CODINGS)
    assert coding_named("zstd") is coding_named("zstd")


def test_zstd_needs_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    codings.coding_named.cache_clear()
    for name in ("backports.zstd", "compression.zstd"):
        monkeypatch.setitem(sys.modules, name, None)
    try:
        assert not is_available("zstd")
        assert is_available("gzip")
    finally:
        codings.coding_named.cache_clear()
