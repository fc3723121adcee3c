"""The address of a client, where the server knows it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

# Whoever connects from these may be a proxy, or what a container's network puts in front.
_INNER = [
    ip_network(text)
    for text in [
        *["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"],
        *["192.168.0.0/16", "::/127", "fc00::/7", "fe80::/10"],
    ]
]
#: Addresses of IPv4, as a translator in front of a network of IPv6 alone writes them.
_TRANSLATED = ip_network("64:ff9b::/96")
#: Addresses with the port that some proxies write into ``X-Forwarded-For``.
_WITH_PORT = re.compile(r"\[([^\]]*)\](?::[0-9]+)?|([0-9.]+):[0-9]+")
# Headers that proxies add. Without a middleware that was told to trust it, anybody may have written it.
_PROXY_HEADERS = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_VIA")


def client_address(environ: Mapping[str, Any]) -> str | None:
    """Return what tells the clients of a server apart.

    :return: the client's IPv4 address, or the network of its IPv6 address, which one person has all of; None where the
        connection is a proxy's, or may be.
    """
    found = _parse(str(environ.get("REMOTE_ADDR", "")))
    if found is None or not (_is_from_proxy_fix(environ) or _is_direct(environ, found)):
        return None
    if isinstance(found, IPv4Address):
        return str(found)
    return str(IPv6Network((found, 64), strict=False).network_address)


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    with_port = _WITH_PORT.fullmatch(text)
    if with_port is not None:
        text = with_port[1] or with_port[2]
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if not isinstance(found, IPv6Address):
        return found
    if found in _TRANSLATED:
        return IPv4Address(int(found) & 0xFFFF_FFFF)
    return found.ipv4_mapped or found


def _is_from_proxy_fix(environ: Mapping[str, Any]) -> bool:
    """Return whether Werkzeug's ``ProxyFix`` has put the client's address in the place of the proxy's."""
    original = environ.get("werkzeug.proxy_fix.orig")
    if not isinstance(original, Mapping) or not original.get("REMOTE_ADDR"):
        return False
    return bool(original["REMOTE_ADDR"] != environ["REMOTE_ADDR"])


def _is_direct(environ: Mapping[str, Any], address: IPv4Address | IPv6Address) -> bool:
    return not any(address in network for network in _INNER) and not any(name in environ for name in _PROXY_HEADERS)
