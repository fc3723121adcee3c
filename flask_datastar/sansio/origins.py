"""Origins of pages: scheme, host and port."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def normalize_origin(origin: str) -> str | None:
    """Return an origin as browsers write it: in lower case, without a default port.

    :return: the origin, or None if the text is not an http or https origin.
    """
    parts = split_origin(origin)
    if parts is None:
        return None
    scheme, host, port = parts
    return f"{scheme}://{host}" if port == DEFAULT_PORTS[scheme] else f"{scheme}://{host}:{port}"


def split_origin(origin: str) -> tuple[str, str, int] | None:
    """Split an origin into scheme, host and port.

    :return: the three parts, or None if the text is not an http or https origin.
    """
    try:
        parts = urlsplit(origin.lower())
        port = parts.port
    except ValueError:
        return None
    rest = parts.path or parts.query or parts.fragment or parts.username is not None
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname or rest:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return parts.scheme, host, DEFAULT_PORTS[parts.scheme] if port is None else port
