"""The ``DATASTAR_*`` keys: their defaults, and the frozen result that the rest of the package reads."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Any, Final, Literal, TypedDict
from uuid import UUID

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


# A file of your own may be any version.
_WITHOUT_NONCES: Final = re.compile(r"@(v1\.0\.[012])/")


@dataclass(frozen=True, slots=True)
class Settings:
    """The checked configuration of one app. A field's key is its name in upper case, after ``DATASTAR_``."""

    #: Where the dispatcher blueprint is mounted.
    url_prefix: str = "/ds"
    #: Where the page finds the client; a path is below the application's root.
    script_url: str = DEFAULT_SCRIPT_URL
    #: Its subresource integrity, such as ``sha256-…``; None to leave it out.
    script_integrity: str | None = None
    #: Returns the nonce of the current page's content security policy; None for a policy without one.
    csp_nonce: Callable[[], str] | None = None
    #: Origins that may act although they are not the app's own, as ``https://host[:port]``.
    trusted_origins: frozenset[str] = frozenset()
    #: The largest signals of one request, in bytes; more is 400.
    max_signals_bytes: int = 1_048_576
    #: How processes reach each other's streams: ``redis://…``, ``rediss://…``, or ``memory://`` for not at all. None is
    #: ``memory://`` where there is one process, and refused where there are more.
    broker_url: str | None = None
    #: Brokers of your own: the scheme of their URL → the class, or where it is, as ``"shop.brokers:NatsBroker"``.
    brokers: Mapping[str, type[Any] | str] | None = None
    #: The longest that a request waits for the broker.
    broker_timeout_seconds: float = 2
    #: The way to publish when the broker cannot be reached: ``drop`` with a warning, or ``raise`` a ``BrokerError``.
    #: This process's own streams get it in any case.
    broker_on_failure: str = "drop"
    #: Tells the apps apart that share one broker; None is the app's name.
    broker_namespace: str | None = None
    #: Whether what is published inside of a Flask-SQLAlchemy transaction with changes waits for its commit.
    publish_after_commit: bool = True
    #: A comment is sent when nothing else was for so long; below every common proxy timeout.
    keepalive_seconds: float = 15
    #: A stream is ended at this age, plus up to a tenth, and the page comes back; 0 for never.
    stream_max_age_seconds: float = 3600
    #: Streams that one process holds; above it 503. With threads, never more than two fewer than there are.
    max_streams: int = 900
    #: Returns the scope of streams that name none; None for streams that belong to nobody.
    scope: Callable[[], str | int | UUID | None] | None = None
    #: Streams of one scope, which is one person; above it 503 for the newcomer.
    max_streams_per_scope: int = 20
    #: The share of ``max_streams`` that streams without a scope keep; above it they end where one with a scope needs
    #: their place.
    share_without_scope: float = 0
    #: Streams of one client address, where that is known; above it 503 for the newcomer.
    max_streams_per_address: int = 300
    #: Whether publishers write to idle connections themselves, where that is safe.
    direct_writes: bool = True
    #: Content codings of streams, best first; one whose package is missing is left out.
    compression: tuple[str, ...] = ("zstd", "gzip")
    #: Events, and bytes, that may wait for one stream; a client that falls behind further has to come back.
    max_queued_events: int = 1000
    max_queued_bytes: int = 1_048_576
    #: The largest message, as it is on the wire: what is published, or what one broadcast sends at a time.
    max_message_bytes: int = 4_194_304
    #: How long a click is remembered, so that its repeats do not run it again; 0 for not at all.
    repeats_seconds: float = 300
    #: The memory that remembered clicks and their answers may take in one process, in bytes.
    repeats_bytes: int = 8_388_608
    #: Flask-SQLAlchemy's object, to remember clicks in the transactions of what they did.
    repeats: Any = None
    #: How long somebody is still present after the last tab there has closed.
    presence_linger_seconds: float = 5
    #: Over how many seconds the clients of a stopping worker are spread when they come back.
    restart_spread_seconds: float = 5
    #: Whether the running app answers ``flask datastar doctor``, which proves itself by the ``SECRET_KEY``.
    doctor: bool = False


class Arguments(TypedDict, total=False):
    """The settings as arguments of ``Datastar``, each with what it accepts."""

    url_prefix: str
    script_url: str
    script_integrity: str | None
    csp_nonce: Callable[[], str] | None
    trusted_origins: list[str] | tuple[str, ...] | set[str] | frozenset[str]
    max_signals_bytes: int
    broker_url: str | None
    brokers: Mapping[str, type[Any] | str] | None
    broker_timeout_seconds: float
    broker_on_failure: Literal["raise", "drop"]
    broker_namespace: str | None
    publish_after_commit: bool
    keepalive_seconds: float
    stream_max_age_seconds: float
    max_streams: int
    scope: Callable[[], str | int | UUID | None] | None
    max_streams_per_scope: int
    share_without_scope: float
    max_streams_per_address: int
    direct_writes: bool
    compression: list[str] | tuple[str, ...]
    max_queued_events: int
    max_queued_bytes: int
    max_message_bytes: int
    repeats_seconds: float
    repeats_bytes: int
    repeats: Any
    presence_linger_seconds: float
    restart_spread_seconds: float
    doctor: bool


def check_arguments(arguments: Mapping[str, object]) -> None:
    """Check that the arguments of ``Datastar`` are settings.

    :raises ConfigError: if one is not; the message names the setting that is spelled most like it.
    """
    names = [field.name for field in fields(Settings)]
    for name in arguments:
        if name not in names:
            nearest = get_close_matches(name.lower().removeprefix("datastar_"), names, 1, cutoff=0.5)
            meant = f"did you mean {nearest[0]!r}? " if nearest else ""
            raise ConfigError(f"Datastar() has no argument {name!r}; {meant}Accepted: {', '.join(names)}")


def read_settings(config: Mapping[str, Any], arguments: Mapping[str, Any]) -> Settings:
    """Read and check the configuration.

    :param config: the app's.
    :param arguments: of the constructor; they win over the config.
    :raises ConfigError: if a value is not accepted.
    """
    values: dict[str, Any] = {}
    for name in (field.name for field in fields(Settings)):
        key = PREFIX + name.upper()
        if name in arguments:
            value = arguments[name]
        elif key in config:
            value = config[key]
        else:
            continue
        values[name] = CHECKS[name](key_title(name, arguments), value)
    values.setdefault("script_integrity", KNOWN_INTEGRITY.get(values.get("script_url", "")))
    if values.get("csp_nonce") is not None and (old := _WITHOUT_NONCES.search(values.get("script_url", ""))):
        raise ConfigError(
            f"DATASTAR_CSP_NONCE is set, but DATASTAR_SCRIPT_URL names client {old[1]}, which knows no nonces; use "
            "v1.0.3 or newer"
        )
    return Settings(**values)


def key_title(name: str, arguments: Mapping[str, Any]) -> str:
    """Return what a setting is called in messages: its key, and the argument if that gave the value."""
    key = PREFIX + name.upper()
    return f"{key} (argument {name})" if name in arguments else key
