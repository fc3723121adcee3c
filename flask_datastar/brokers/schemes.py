"""Schemes of ``DATASTAR_BROKER_URL``: which broker a URL names, and whether it can be used."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from urllib.parse import urlsplit

from ..errors import ConfigError, SetupError
from .base import Broker, BrokerOptions, Receiver

#: Scheme of ``DATASTAR_BROKER_URL`` → the module that has it, its class, and what has to be installed for it. A program
#: with a broker of its own adds a row before ``init_app``.
BROKERS: dict[str, tuple[str, str, str | None]] = {
    "memory": ("flask_datastar.brokers.memory", "MemoryBroker", None),
    "redis": ("flask_datastar.brokers.redis", "RedisBroker", "redis"),
    "rediss": ("flask_datastar.brokers.redis", "RedisBroker", "redis"),
}


def check_broker_url(url: object, key: str) -> None:
    """Check the URL of a broker. A message never shows more than its scheme, because the rest may hold a password.

    :param url: None for no broker.
    :param key: what the URL is called in messages.
    :raises ConfigError: if it is not the URL of a known broker.
    :raises SetupError: if the broker needs a package that is not installed.
    """
    if url is None:
        return
    scheme, separator, rest = str(url).partition("://")
    is_known = isinstance(url, str) and separator and scheme in BROKERS
    if not is_known or (scheme == "memory" and rest):
        given = f"'{scheme}://…'" if separator else repr(url)
        shared = " or ".join(f"'{scheme}://'" for scheme in BROKERS if scheme != "memory")
        raise ConfigError(f"{key} is {given}; accepted: None, 'memory://', or a URL that starts with {shared}")
    try:
        _ = urlsplit(str(url)).port
    except ValueError:
        accepted = f"'{scheme}://user:password@host:port/…', special characters as %XX, the port a whole number"
        raise ConfigError(f"{key} is '{scheme}://…' and cannot be taken apart; accepted: {accepted}") from None
    module, _, package = BROKERS[scheme]
    if package is not None and not _is_installed(package):
        # Only the brokers of this package have an extra.
        wanted = f"'Flask-Datastar[{package}]'" if module.startswith("flask_datastar.") else package.partition(".")[0]
        raise SetupError(f"{key} needs {package}; install it by: pip install {wanted}")


def _is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:
        # What it is a part of is not there.
        return False


def make_broker(url: str, receiver: Receiver, options: BrokerOptions) -> Broker:
    """Create the broker that a checked URL names. It opens nothing before its first use."""
    # Not by urlsplit(): it writes a scheme in lower case, and takes none with an underscore for one.
    module, name, _ = BROKERS[url.partition("://")[0]]
    broker: Broker = getattr(import_module(module), name)(url, receiver, options)
    return broker
