"""Checksums of texts that were sent in parts: CRC-32 is linear, so the parts' own checksums are enough."""

from __future__ import annotations

# CRC-32 calculates with polynomials over two elements, modulo this one. The highest bit is the coefficient of 1.
_MODULUS = 0xEDB88320
_ONE = 0x80000000


def shift(checksum: int, length: int) -> int:
    """Return what a checksum contributes to the checksum of a longer text.

    The checksum of ``a + b`` is ``shift(crc32(a), len(b)) ^ crc32(b)``.

    :param length: the number of bytes that follow.
    """
    # Each byte multiplies by x to the power of 8, so bit k of the length by x to the power of 2 ** (k + 3).
    exponent = 3
    while length:
        if length & 1:
            # The powers repeat, because the modulus is primitive, of degree 32.
            checksum = _product(checksum, _POWERS[exponent % 32])
        length >>= 1
        exponent += 1
    return checksum


def _product(a: int, b: int) -> int:
    product = 0
    while a:
        if a & _ONE:
            product ^= b
        a = (a << 1) & 0xFFFFFFFF
        b = (b >> 1) ^ _MODULUS if b & 1 else b >> 1
    return product


def _squares(value: int) -> list[int]:
    """Return a value to the powers of 1, 2, 4, 8 and so on."""
    powers = [value]
    while len(powers) < 32:
        powers.append(_product(powers[-1], powers[-1]))
    return powers


_POWERS = _squares(_ONE >> 1)
