"""What is accepted as the value of a ``DATASTAR_*`` key, one check a kind of value."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, Final
from urllib.parse import urlsplit

from ..brokers import BROKERS
from ..errors import ConfigError, SetupError
from ..sansio.origins import normalize_origin


def _refuse(key: str, value: object, accepted: str) -> ConfigError:
    return ConfigError(f"{key} is {value!r}; accepted: {accepted}")


def _check_url_prefix(key: str, value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"(/[A-Za-z0-9_.~-]+)+", value):
        raise _refuse(key, value, "a path such as '/ds': a slash before each part, none at the end")
    return value


def _check_script_url(key: str, value: object) -> str:
    if isinstance(value, str) and not re.search(r"[\s\0-\x1f\"'<>\\]", value):
        parts = urlsplit(value)
        if (parts.scheme in ("http", "https") and parts.netloc) or (not parts.scheme and parts.path.startswith("/")):
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
    """Accept the URL of a broker; a text never shows more than its scheme, because the rest may hold a password."""
    if value is None:
        return None
    scheme, separator, rest = str(value).partition("://")
    is_known = isinstance(value, str) and separator and scheme in BROKERS
    if not is_known or (scheme == "memory" and rest):
        given = f"'{scheme}://…'" if separator else repr(value)
        shared = " or ".join(f"'{scheme}://'" for scheme in BROKERS if scheme != "memory")
        raise ConfigError(f"{key} is {given}; accepted: None, 'memory://', or a URL that begins with {shared}")
    try:
        _ = urlsplit(str(value)).port
    except ValueError:
        accepted = f"'{scheme}://user:password@host:port/…', special characters as %XX, the port a whole number"
        raise ConfigError(f"{key} is '{scheme}://…' and cannot be taken apart; accepted: {accepted}") from None
    module, _, package = BROKERS[scheme]
    if package is not None and not _is_installed(package):
        # Only the brokers of this package have an extra.
        wanted = f"'Flask-Datastar[{package}]'" if module.startswith("flask_datastar.") else package.partition(".")[0]
        raise SetupError(f"{key} needs {package}; install it by: pip install {wanted}")
    return str(value)


def _is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:
        # What it is a part of is not there.
        return False


def _check_on_failure(key: str, value: object) -> str:
    if value not in ("drop", "raise"):
        raise _refuse(key, value, "'drop' or 'raise'")
    return str(value)


def _check_prefix(key: str, value: object) -> str | None:
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


#: Field of ``Settings`` → what checks its value, given the key that it is to be called by.
CHECKS: Final[dict[str, Callable[[str, object], Any]]] = {
    "url_prefix": _check_url_prefix,
    "script_url": _check_script_url,
    "script_integrity": _check_script_integrity,
    "csp_nonce": _check_csp_nonce,
    "trusted_origins": _check_trusted_origins,
    "max_signals_bytes": _check_count,
    "broker_url": _check_broker_url,
    "broker_timeout_seconds": _check_seconds,
    "broker_on_failure": _check_on_failure,
    "broker_prefix": _check_prefix,
    "publish_after_commit": _check_bool,
    "keepalive_seconds": _check_seconds,
    "stream_max_age_seconds": _check_seconds_or_zero,
    "max_streams": _check_count,
    "max_streams_per_scope": _check_count,
    "share_without_scope": _check_share,
    "max_streams_per_address": _check_count,
    "direct_writes": _check_bool,
    "max_queued_events": _check_count,
    "max_queued_bytes": _check_count,
    "max_message_bytes": _check_count,
    "restart_spread_seconds": _check_seconds_or_zero,
}
