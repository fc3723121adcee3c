"""Digests of what a page shows, so that its stream does not send the same again.

The request for a page's stream has a header that names the views of the page and their state: for each view, a hash of
its identity and the digest of its HTML. Identities are hashed because a header cannot contain every character.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from hashlib import blake2b

_IDENTITY_BYTES, _HTML_BYTES = 6, 8
_ENTRY_BYTES = _IDENTITY_BYTES + _HTML_BYTES
#: The first character of the header. A page that was loaded before a change of the format gets every view.
_VERSION = "1"


def html_digest(html: str) -> bytes:
    """Return the digest of a view's HTML."""
    return blake2b(html.encode("utf-8", "surrogatepass"), digest_size=_HTML_BYTES).digest()


def write_shown(shown: Iterable[tuple[str, bytes]]) -> str:
    """Return the value of the header.

    :param shown: the identity of each view on the page, and the digest of its HTML.
    :return: ASCII text, 19 characters for each view.
    """
    entries = b"".join(_identity_hash(identity) + digest for identity, digest in shown)
    return _VERSION + urlsafe_b64encode(entries).decode().rstrip("=")


class Shown:
    """The views of a page, as its header names them."""

    def __init__(self, entries: Mapping[bytes, bytes]) -> None:
        self._entries = entries

    def digest_of(self, identity: str) -> bytes | None:
        """Return the digest of the HTML that the page has of a view; None for a view that it does not have."""
        return self._entries.get(_identity_hash(identity))


def read_shown(value: str) -> Shown:
    """Read the value of the header. Text of any other form names no view, so the page gets every view."""
    if not value.startswith(_VERSION):
        return Shown({})
    text = value[len(_VERSION) :]
    try:
        data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return Shown({})
    entries = [data[start : start + _ENTRY_BYTES] for start in range(0, len(data) - _ENTRY_BYTES + 1, _ENTRY_BYTES)]
    return Shown({entry[:_IDENTITY_BYTES]: entry[_IDENTITY_BYTES:] for entry in entries})


def _identity_hash(identity: str) -> bytes:
    return blake2b(identity.encode("utf-8", "surrogatepass"), digest_size=_IDENTITY_BYTES).digest()
