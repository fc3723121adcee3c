"""Contents of which every byte is known from a number and a size; for the server and for its clients."""

from __future__ import annotations

import random

_TABLE = bytes.maketrans(b"~", b"^")


def filler(number: int, size: int) -> str:
    """Give so many characters, of which some are tildes."""
    pattern = f"{number}~"
    return (pattern * (size // len(pattern) + 1))[:size]


def content(number: int, size: int) -> str:
    """Create so many characters; of every second number they shrink only to a half when they are encoded."""
    if number % 2:
        return filler(number, size)
    return random.Random(number).randbytes(size // 2 + 1).hex()[:size]


def translate(data: bytes) -> bytes:
    """Change what was sent so that the client sees whether it was."""
    return data.translate(_TABLE)
