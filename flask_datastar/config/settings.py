"""The ``DATASTAR_*`` keys: their defaults, and the frozen result that the rest of the package reads."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from ..errors import ConfigError
from .checks import CHECKS

PREFIX: Final = "DATASTAR_"

#: The pinned client, from the official repository through jsDelivr.
DEFAULT_SCRIPT_URL: Final = "https://cdn.jsdelivr.net/gh/starfederation/datastar@v1.0.4/bundles/datastar.js"

#: Bundles whose bytes were verified against the release commit.
KNOWN_INTEGRITY: Final = {
    "https://cdn.jsdelivr.net/gh/starfederation/datastar@v1.0.2/bundles/datastar.js": (
        "sha256-KDfYes9u4LqOTmN2WSbCWpjWOIOwL4i+GUqGuB0/0ko="
    ),
}


# A file of one's own may be any version.
_WITHOUT_NONCES: Final = re.compile(r"@(v1\.0\.[012])/")


@dataclass(frozen=True, slots=True)
class Settings:
    """The checked configuration of one app. A field's key is its name in upper case, after ``DATASTAR_``."""

    #: Where the dispatcher blueprint is mounted.
    url_prefix: str = "/ds"
    #: Where the page finds the client; a path is below the application's root.
    script_url: str = DEFAULT_SCRIPT_URL
    #: Its subresource integrity, such as ``sha256-…``; None for none.
    script_integrity: str | None = None
    #: Gives the nonce of the current page's content security policy; None for a policy without one.
    csp_nonce: Callable[[], str] | None = None
    #: Origins that may act although they are not the app's own, as ``https://host[:port]``.
    trusted_origins: frozenset[str] = frozenset()
    #: The largest signals of one request, in bytes; more is 400.
    max_signals_bytes: int = 1_048_576
    #: How processes reach each other's streams: ``redis://…``, ``rediss://…``, or ``memory://`` for not at all. None is
    #: ``memory://`` where there is one process, and refused where there are more.
    broker_url: str | None = None
    #: The longest that a request waits for the broker.
    broker_timeout_seconds: float = 2
    #: What publishing does when the broker cannot be reached: ``drop`` with a warning, or ``raise`` a ``BrokerError``.
    #: This process's own streams get it in any case.
    broker_on_failure: str = "drop"
    #: Tells the apps apart that share one broker; None is the app's name.
    broker_prefix: str | None = None
    #: Whether what is published inside of a Flask-SQLAlchemy transaction with changes waits for its commit.
    publish_after_commit: bool = True
    #: A comment is sent when nothing else was for so long; below every common proxy timeout.
    keepalive_seconds: float = 15
    #: A stream is ended at this age, plus up to a tenth, and the page comes back; 0 for never.
    stream_max_age_seconds: float = 3600
    #: Streams that one process holds; above it 503. With threads, never more than two fewer than there are.
    max_streams: int = 900
    #: Streams of one scope, which is one person; above it 503 for the newcomer.
    max_streams_per_scope: int = 20
    #: The share of ``max_streams`` that streams without a scope keep; above it they end where one with a scope needs
    #: their place.
    share_without_scope: float = 0
    #: Streams of one client address, where that is known; above it 503 for the newcomer.
    max_streams_per_address: int = 300
    #: Whether publishers write to idle connections themselves, where that is safe.
    direct_writes: bool = True
    #: Events, and bytes, that may wait for one stream; a client that falls behind further has to come back.
    max_queued_events: int = 1000
    max_queued_bytes: int = 1_048_576
    #: The largest message, as it is on the wire: what is published, or what one broadcast sends at a time.
    max_message_bytes: int = 4_194_304
    #: Over how many seconds the clients of a stopping worker are spread when they come back.
    restart_spread_seconds: float = 5


def read_settings(config: Mapping[str, Any], arguments: Mapping[str, Any]) -> Settings:
    """Read and check the configuration.

    :param config: the app's.
    :param arguments: of the constructor; they win over the config.
    :raises ConfigError: a value is not accepted, or an argument is unknown.
    :raises SetupError: a value needs a package that is not installed.
    """
    names = [field.name for field in fields(Settings)]
    for name in arguments:
        if name not in names:
            raise ConfigError(f"unknown argument {name!r} for Datastar(); accepted: {', '.join(names)}")
    values: dict[str, Any] = {}
    for name in names:
        key = PREFIX + name.upper()
        if name in arguments:
            key, value = f"{key} (argument {name})", arguments[name]
        elif key in config:
            value = config[key]
        else:
            continue
        values[name] = CHECKS[name](key, value)
    values.setdefault("script_integrity", KNOWN_INTEGRITY.get(values.get("script_url", "")))
    if values.get("csp_nonce") is not None and (old := _WITHOUT_NONCES.search(values.get("script_url", ""))):
        raise ConfigError(
            f"DATASTAR_CSP_NONCE is set, but DATASTAR_SCRIPT_URL names client {old[1]}, which knows no nonces; use "
            "v1.0.3 or newer"
        )
    return Settings(**values)
