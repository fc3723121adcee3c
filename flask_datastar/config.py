"""The ``DATASTAR_*`` keys: their defaults, their checks, and the frozen result that the rest of the package reads."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final
from urllib.parse import urlsplit

from .errors import ConfigError

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
    #: How processes reach each other's streams: ``memory://`` for not at all. None is the same where there is one
    #: process, and refused where there are more.
    broker_url: str | None = None
    #: A comment is sent when nothing else was for so long; below every common proxy timeout.
    keepalive_seconds: float = 15
    #: A stream is ended at this age, plus up to a tenth, and the page comes back; 0 for never.
    stream_max_age_seconds: float = 3600
    #: Streams that one process holds; above it 503. With threads, never more than two fewer than there are.
    max_streams: int = 900
    #: Streams of one scope, which is one person; above it 503 for the newcomer.
    max_streams_per_scope: int = 20
    #: Whether publishers write to idle connections themselves, where that is safe.
    direct_writes: bool = True
    #: Events, and bytes, that may wait for one stream; a client that falls behind further has to come back.
    max_queued_events: int = 1000
    max_queued_bytes: int = 1_048_576
    #: Over how many seconds the clients of a stopping worker are spread when they come back.
    restart_spread_seconds: float = 5


def read_settings(config: Mapping[str, Any], arguments: Mapping[str, Any]) -> Settings:
    """Read and check the configuration.

    :param config: the app's.
    :param arguments: of the constructor; they win over the config.
    :raises ConfigError: a value is not accepted, or an argument is unknown.
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
        values[name] = _CHECKS[name](key, value)
    values.setdefault("script_integrity", KNOWN_INTEGRITY.get(values.get("script_url", "")))
    if values.get("csp_nonce") is not None and (old := _WITHOUT_NONCES.search(values.get("script_url", ""))):
        raise ConfigError(
            f"DATASTAR_CSP_NONCE is set, but DATASTAR_SCRIPT_URL names client {old[1]}, which knows no nonces; use "
            "v1.0.3 or newer"
        )
    return Settings(**values)


def normalize_origin(origin: str) -> str | None:
    """Write an origin as browsers do: lower case, without a default port.

    :return: None when it is no http or https origin.
    """
    parts = split_origin(origin)
    if parts is None:
        return None
    scheme, host, port = parts
    return f"{scheme}://{host}" if port == DEFAULT_PORTS[scheme] else f"{scheme}://{host}:{port}"


DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def split_origin(origin: str) -> tuple[str, str, int] | None:
    """Take an origin apart into scheme, host and port; None when it is no http or https origin."""
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


def _refuse(key: str, value: object, accepted: str) -> ConfigError:
    return ConfigError(f"{key} is {value!r}; accepted: {accepted}")


def _check_url_prefix(key: str, value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"(/[A-Za-z0-9_.~-]+)+", value):
        raise _refuse(key, value, "a path such as '/ds': a slash before each part, none at the end")
    return value


def _check_script_url(key: str, value: object) -> str:
    if isinstance(value, str) and not re.search(r"[\s\0-\x1f\"'<>\\]", value):
        parts = urlsplit(value)
        if (parts.scheme in DEFAULT_PORTS and parts.netloc) or (not parts.scheme and parts.path.startswith("/")):
            return value
    raise _refuse(key, value, "an http or https URL, or a path that begins with a slash")


def _check_script_integrity(key: str, value: object) -> str | None:
    if value is None or (
        isinstance(value, str)
        and value
        and all(re.fullmatch(r"sha(256|384|512)-[A-Za-z0-9+/]+={0,2}", part) for part in value.split(" "))
    ):
        return value
    raise _refuse(key, value, "None, or 'sha256-', 'sha384-' or 'sha512-' and a base64 digest")


def _check_csp_nonce(key: str, value: object) -> object:
    if value is None or callable(value):
        return value
    raise _refuse(key, value, "None, or a function without parameters that gives the request's nonce")


def _check_trusted_origins(key: str, value: object) -> frozenset[str]:
    accepted = "a list of origins such as 'https://app.example.com' or 'https://app.example.com:8443'"
    if isinstance(value, str) or not isinstance(value, list | tuple | set | frozenset):
        raise _refuse(key, value, accepted)
    origins = set()
    for item in value:
        origin = normalize_origin(item) if isinstance(item, str) else None
        if origin is None:
            raise _refuse(key, item, accepted)
        origins.add(origin)
    return frozenset(origins)


def _check_broker_url(key: str, value: object) -> str | None:
    if value is None or value == "memory://":
        return "memory://" if value else None
    raise _refuse(key, value, "None or 'memory://'")


def _check_count(key: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise _refuse(key, value, "a whole number, 1 or more")
    return value


def _check_seconds(key: str, value: object) -> float:
    if not _is_number(value) or value <= 0:  # type: ignore[operator]
        raise _refuse(key, value, "a number of seconds above 0")
    return float(value)  # type: ignore[arg-type]


def _check_seconds_or_zero(key: str, value: object) -> float:
    if not _is_number(value) or value < 0:  # type: ignore[operator]
        raise _refuse(key, value, "a number of seconds, 0 or more")
    return float(value)  # type: ignore[arg-type]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _check_bool(key: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise _refuse(key, value, "True or False")
    return value


_CHECKS: dict[str, Callable[[str, object], Any]] = {
    "url_prefix": _check_url_prefix,
    "script_url": _check_script_url,
    "script_integrity": _check_script_integrity,
    "csp_nonce": _check_csp_nonce,
    "trusted_origins": _check_trusted_origins,
    "max_signals_bytes": _check_count,
    "broker_url": _check_broker_url,
    "keepalive_seconds": _check_seconds,
    "stream_max_age_seconds": _check_seconds_or_zero,
    "max_streams": _check_count,
    "max_streams_per_scope": _check_count,
    "direct_writes": _check_bool,
    "max_queued_events": _check_count,
    "max_queued_bytes": _check_count,
    "restart_spread_seconds": _check_seconds_or_zero,
}
