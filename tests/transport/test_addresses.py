"""The address of a client: where it is known, and that of a proxy is never taken for it."""

from __future__ import annotations

from typing import Any

import pytest

from flask_datastar.transport.addresses import client_address


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("8.8.8.8", "8.8.8.8"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("::FFFF:203.0.113.7", "203.0.113.7"),
        ("::ffff:10.0.0.1", None),
        # Translated for a host that has IPv6 alone: else all of IPv4 were one client.
        ("64:ff9b::203.0.113.7", "203.0.113.7"),
        ("64:ff9b::cb00:7107", "203.0.113.7"),
        ("64:ff9b::10.0.0.1", None),
        # Whoever has one address of IPv6 has all of its network.
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::"),
        ("2001:db8:1:3::1", "2001:db8:1:3::"),
        *[(text, None) for text in ("", "127.0.0.1", "::1", "10.0.0.1", "172.17.0.1", "192.168.1.1", "100.64.0.1")],
        *[
            (text, None)
            for text in ("169.254.1.1", "fe80::1", "fe80::1%eth0", "fd00::1", "0.0.0.0", "::", "unix:", "x")
        ],
        (None, None),
    ],
)
def test_address_without_a_proxy(address: str | None, expected: str | None) -> None:
    assert client_address({"REMOTE_ADDR": address} if address is not None else {}) == expected


@pytest.mark.parametrize("header", ["HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_VIA"])
def test_address_of_a_proxy_is_not_taken(header: str) -> None:
    assert client_address({"REMOTE_ADDR": "203.0.113.7", header: "198.51.100.1"}) is None


@pytest.mark.parametrize(
    ("orig", "address", "expected"),
    [
        ({"REMOTE_ADDR": "127.0.0.1"}, "198.51.100.1", "198.51.100.1"),
        # Behind a proxy of one's own, the clients of a private network are told apart.
        ({"REMOTE_ADDR": "10.0.0.1"}, "192.168.1.5", "192.168.1.5"),
        # It looked at other headers only.
        ({"REMOTE_ADDR": "203.0.113.7"}, "203.0.113.7", None),
        ({}, "198.51.100.1", None),
        # Some proxies add the port of the connection, which is another one each time.
        ({"REMOTE_ADDR": "127.0.0.1"}, "198.51.100.1:52100", "198.51.100.1"),
        ({"REMOTE_ADDR": "127.0.0.1"}, "[2001:db8:1:2::5]:443", "2001:db8:1:2::"),
        ({"REMOTE_ADDR": "127.0.0.1"}, "[2001:db8:1:2::5]", "2001:db8:1:2::"),
        ({"REMOTE_ADDR": "127.0.0.1"}, "unknown", None),
        ({"REMOTE_ADDR": "127.0.0.1"}, "[x]:1", None),
        ({"REMOTE_ADDR": "127.0.0.1"}, "1.2:3", None),
    ],
)
def test_address_that_proxy_fix_found_is_taken(orig: dict[str, Any], address: str, expected: str | None) -> None:
    environ = {"werkzeug.proxy_fix.orig": orig, "REMOTE_ADDR": address, "HTTP_X_FORWARDED_FOR": "198.51.100.1"}

    assert client_address(environ) == expected
