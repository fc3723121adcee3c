"""Content codings of bodies, undone as the bytes arrive."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final


class BodyDecoder:
    """Undo the content coding of a body.

    A body may consist of several members or frames; what follows a member has to be another one.

    :param content_encoding: the value of the response's ``Content-Encoding``: gzip, zstd, identity; None or "" if it
        has no such header.
    :raises ValueError: if the coding is another one, or zstd without its package.
    """

    def __init__(self, content_encoding: str | None) -> None:
        name = (content_encoding or "identity").strip().lower()
        if name not in _DECODERS:
            raise ValueError(f"Content-Encoding is {content_encoding!r}: only gzip, zstd and identity can be read")
        self._name = name
        self._make = _DECODERS[name]
        self._decoder = self._make()

    def decode(self, data: bytes) -> bytes:
        """Decode the next bytes of the body.

        :param data: bytes that may be split anywhere.
        :return: the text that can be told from all bytes so far.
        :raises ValueError: if the bytes are not of the coding.
        """
        if self._decoder is None:
            return data
        parts = []
        while data:
            if self._decoder.eof:
                self._decoder = self._make()
            try:
                parts.append(self._decoder.decompress(data))
            except Exception as error:
                raise ValueError(f"the body is not valid {self._name}: {error}") from error
            data = self._decoder.unused_data
        return b"".join(parts)


def zstd_library() -> Any:
    """Import the library for zstd: of the standard library from Python 3.14 on, before that backports.zstd.

    :raises ImportError: if it is not installed.
    """
    return import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")


def _gzip() -> Any:
    return zlib.decompressobj(zlib.MAX_WBITS | 16)


def _zstd() -> Any:
    try:
        library = zstd_library()
    except ImportError:
        raise ValueError(
            "Content-Encoding is 'zstd': it can be read with Python 3.14 or with backports.zstd; "
            'pip install "Flask-Datastar[zstd]"'
        ) from None
    return library.ZstdDecompressor()


#: Coding → a function that creates a decoder of one member or frame, or returns None.
_DECODERS: Final[dict[str, Callable[[], Any]]] = {
    "identity": lambda: None,
    "gzip": _gzip,
    "x-gzip": _gzip,
    "zstd": _zstd,
}
