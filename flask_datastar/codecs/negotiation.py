"""The content coding of a response, from the ``Accept-Encoding`` of its request."""

from __future__ import annotations

import re
from collections.abc import Sequence

# A coding, or "*", and its weight as RFC 9110, section 12.4.2, writes it.
_MEMBER = re.compile(
    r"[ \t]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*(?:;[ \t]*[qQ]=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)[ \t]*)?"
)
_ALIASES = {"x-gzip": "gzip"}


def negotiate(accept_encoding: str | None, offered: Sequence[str]) -> str | None:
    """Choose the content coding that the client prefers; if it prefers none, the first one that is offered.

    :param accept_encoding: the header; None or "" for identity. Members that break
        the grammar are skipped.
    :param offered: codings in lower case, the server's favourite first.
    :return: one of the offered codings; None for identity, also if the client refuses identity, because a page
        without its stream would be worse.

    >>> negotiate("gzip, deflate, br, zstd", ["zstd", "gzip"])
    'zstd'
    >>> negotiate("gzip;q=1, zstd;q=0.5", ["zstd", "gzip"])
    'gzip'
    >>> negotiate("br, *;q=0", ["zstd", "gzip"]) is None
    True
    """
    weights = _weights(accept_encoding or "")
    other = weights.get("*", 0.0)
    chosen, highest = None, weights.get("identity", other)
    for coding in offered:
        weight = weights.get(coding, other)
        if weight > highest or (weight == highest > 0 and chosen is None):
            chosen, highest = coding, weight
    return chosen


def _weights(header: str) -> dict[str, float]:
    """Return the weight of each coding; of one that comes twice, the first."""
    weights: dict[str, float] = {}
    for text in header.split(","):
        if member := _MEMBER.fullmatch(text):
            name = member[1].lower()
            weights.setdefault(_ALIASES.get(name, name), float(member[2] or 1))
    return weights
