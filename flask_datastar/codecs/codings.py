"""The content codings by name."""

from __future__ import annotations

from functools import cache
from typing import Final

from .base import Coding
from .gzip_coding import Gzip
from .zstd_coding import Zstd

#: The names, the smaller results first.
CODINGS: Final = ("zstd", "gzip")
_CLASSES: Final[dict[str, type[Coding]]] = {"zstd": Zstd, "gzip": Gzip}


@cache
def coding_named(name: str) -> Coding:
    """Return the coding of a name, always the same object.

    :raises ImportError: if the coding needs a package that is not installed.
    """
    return _CLASSES[name]()


def is_available(name: str) -> bool:
    """Return whether a coding can be used: zstd needs Python 3.14 or the extra ``zstd``."""
    try:
        coding_named(name)
    except ImportError:
        return False
    return True
