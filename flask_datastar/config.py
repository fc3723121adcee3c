"""The ``DATASTAR_*`` keys: their defaults, their checks, and the frozen result that the rest of the package reads."""

from __future__ import annotations

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


@dataclass(frozen=True, slots=True)
class Settings:
    """The checked configuration of one app. A field's key is its name in upper case, after ``DATASTAR_``."""

    #: Where the dispatcher blueprint is mounted.
    url_prefix: str = "/ds"
    #: Where the page finds the client; a path is below the application's root.
    script_url: str = DEFAULT_SCRIPT_URL
    #: Its subresource integrity, such as ``sha256-…``; None for none.
    script_integrity: str | None = None
    #: Origins that may act although they are not the app's own, as ``https://host[:port]``.
    trusted_origins: frozenset[str] = frozenset()
    #: The largest signals of one request, in bytes; more is 400.
    max_signals_bytes: int = 1_048_576


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


def _check_max_signals_bytes(key: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise _refuse(key, value, "a whole number of bytes, 1 or more")
    return value


_CHECKS: dict[str, Callable[[str, object], Any]] = {
    "url_prefix": _check_url_prefix,
    "script_url": _check_script_url,
    "script_integrity": _check_script_integrity,
    "trusted_origins": _check_trusted_origins,
    "max_signals_bytes": _check_max_signals_bytes,
}
