"""Checks of the values of ``DATASTAR_*`` keys, one for each kind of value."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from ..errors import ConfigError
from ..sansio.origins import normalize_origin


def _refuse(key: str, value: object, accepted: str) -> ConfigError:
    return ConfigError(f"{key} is {value!r}; accepted: {accepted}")


def _check_url_prefix(key: str, value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"(/[A-Za-z0-9_.~-]+)+", value):
        raise _refuse(key, value, "a path such as '/ds': a slash before each part, but not at the end")
    return value


def _check_script_url(key: str, value: object) -> str:
    if isinstance(value, str) and not re.search(r"[\s\0-\x1f\"'<>\\]", value):
        parts = urlsplit(value)
        if (parts.scheme in ("http", "https") and parts.netloc) or (not parts.scheme and parts.path.startswith("/")):
            return value
    raise _refuse(key, value, "an http or https URL, or a path that starts with a slash")


def _check_script_integrity(key: str, value: object) -> str | None:
    if value is None or (
        isinstance(value, str)
        and value
        and all(re.fullmatch(r"sha(256|384|512)-[A-Za-z0-9+/]+={0,2}", part) for part in value.split(" "))
    ):
        return value
    raise _refuse(key, value, "None, or 'sha256-', 'sha384-' or 'sha512-' and a base64 digest")


def _check_csp_nonce(key: str, value: object) -> object:
    return _check_function(key, value, "None, or a function without parameters that returns the request's nonce")


def _check_scope(key: str, value: object) -> object:
    accepted = "None, or a function without parameters that returns whose a stream is: a str, int, UUID or None"
    return _check_function(key, value, accepted)


def _check_function(key: str, value: object, accepted: str) -> object:
    if value is None or (callable(value) and _is_getter(value)):
        return value
    raise _refuse(key, value, accepted)


def _is_getter(function: Callable[..., object]) -> bool:
    if inspect.iscoroutinefunction(function):
        return False
    try:
        inspect.signature(function).bind()
    except TypeError:
        return False
    except ValueError:
        # Functions written in C may have no signature.
        return True
    return True


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


def _check_brokers(key: str, value: object) -> dict[str, type[Any] | str] | None:
    if value is None:
        return None
    if not isinstance(value, Mapping) or not all(_is_broker(*item) for item in value.items()):
        raise _refuse(key, value, "None, or a mapping of schemes to classes, or texts like 'shop.brokers:NatsBroker'")
    return dict(value)


def _is_broker(scheme: object, source: object) -> bool:
    return (
        isinstance(scheme, str)
        and re.fullmatch(r"[A-Za-z][A-Za-z0-9+._-]*", scheme) is not None
        and (
            isinstance(source, type)
            or (isinstance(source, str) and re.fullmatch(r"\w+(\.\w+)*[.:]\w+", source) is not None)
        )
    )


def _check_compression(key: str, value: object) -> tuple[str, ...]:
    if (
        isinstance(value, str)
        or not isinstance(value, list | tuple)
        or any(name not in ("zstd", "gzip") for name in value)
    ):
        raise _refuse(key, value, "a tuple of 'zstd' and 'gzip', best first, or () for none")
    return tuple(dict.fromkeys(value))


def _check_repeats(key: str, value: object) -> object:
    if value is None or all(hasattr(value, name) for name in ("session", "metadata", "Table", "init_app")):
        return value
    raise _refuse(key, value, "None, or the SQLAlchemy object of Flask-SQLAlchemy")


def _check_on_failure(key: str, value: object) -> str:
    if value not in ("drop", "raise"):
        raise _refuse(key, value, "'drop' or 'raise'")
    return str(value)


def _check_namespace(key: str, value: object) -> str | None:
    if value is not None and (not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", value)):
        raise _refuse(key, value, "None, or 1 to 64 letters, digits, '_', '.' or '-'")
    return value


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


def _check_share(key: str, value: object) -> float:
    if not _is_number(value) or not 0 <= value <= 1:  # type: ignore[operator]
        raise _refuse(key, value, "a number from 0 to 1")
    return float(value)  # type: ignore[arg-type]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _check_bool(key: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise _refuse(key, value, "True or False")
    return value


#: Field of ``Settings`` → the check of its value, which gets the key for its error.
CHECKS: Final[dict[str, Callable[[str, object], Any]]] = {
    "url_prefix": _check_url_prefix,
    "script_url": _check_script_url,
    "script_integrity": _check_script_integrity,
    "csp_nonce": _check_csp_nonce,
    "trusted_origins": _check_trusted_origins,
    "max_signals_bytes": _check_count,
    # Checked where the brokers are known.
    "broker_url": lambda key, value: value,
    "brokers": _check_brokers,
    "broker_timeout_seconds": _check_seconds,
    "broker_on_failure": _check_on_failure,
    "broker_namespace": _check_namespace,
    "publish_after_commit": _check_bool,
    "keepalive_seconds": _check_seconds,
    "stream_max_age_seconds": _check_seconds_or_zero,
    "max_streams": _check_count,
    "scope": _check_scope,
    "max_streams_per_scope": _check_count,
    "share_without_scope": _check_share,
    "max_streams_per_address": _check_count,
    "direct_writes": _check_bool,
    "compression": _check_compression,
    "max_queued_events": _check_count,
    "max_queued_bytes": _check_count,
    "max_message_bytes": _check_count,
    "repeats_seconds": _check_seconds_or_zero,
    "repeats_bytes": _check_count,
    "repeats": _check_repeats,
    "presence_linger_seconds": _check_seconds_or_zero,
    "restart_spread_seconds": _check_seconds_or_zero,
    "doctor": _check_bool,
}
