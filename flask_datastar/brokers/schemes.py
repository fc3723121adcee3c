"""Schemes of ``DATASTAR_BROKER_URL``: which broker a URL names, and whether it can be used."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import TypeAlias
from urllib.parse import urlsplit

from ..errors import ConfigError, SetupError
from .base import Broker, BrokerOptions, Receiver

#: A broker of your own: its class, or the place of the class, such as ``"shop.brokers:NatsBroker"``.
BrokerSource: TypeAlias = type[Broker] | str

#: Scheme → class. A class is imported when it is used, so that a package that it needs is imported after a fork.
_BUILT_IN = {
    "memory": "flask_datastar.brokers.memory:MemoryBroker",
    "redis": "flask_datastar.brokers.redis:RedisBroker",
    "rediss": "flask_datastar.brokers.redis:RedisBroker",
}
#: Scheme → the package that it needs, which is also the name of the extra.
_PACKAGES = {"redis": "redis", "rediss": "redis"}


def check_broker_url(url: object, key: str, own: Mapping[str, BrokerSource] | None = None) -> None:
    """Check the URL of a broker. A message never shows more than its scheme, because the rest may hold a password.

    :param url: None for no broker.
    :param key: the name of the setting, for messages.
    :param own: the application's own brokers, by scheme.
    :raises ConfigError: if it is not the URL of a known broker, or its class is not a broker.
    :raises SetupError: if the broker needs a package that is not installed.
    """
    if url is None:
        return
    # urlsplit() would write a scheme in lower case, and does not accept an underscore in it.
    scheme, separator, rest = str(url).partition("://")
    own = own or {}
    known = {**_BUILT_IN, **own}
    is_known = isinstance(url, str) and separator and scheme in known
    if not is_known or (scheme == "memory" and rest and scheme not in own):
        given = f"'{scheme}://…'" if separator else repr(url)
        shared = " or ".join(f"'{scheme}://'" for scheme in known if scheme != "memory")
        raise ConfigError(
            f"{key} is {given}; accepted: None, 'memory://', or a URL that starts with {shared}. A broker of your own "
            "is given by brokers={…}"
        )
    try:
        _ = urlsplit(str(url)).port
    except ValueError:
        accepted = f"'{scheme}://user:password@host:port/…', special characters as %XX, the port a whole number"
        raise ConfigError(f"{key} is '{scheme}://…': it cannot be parsed; accepted: {accepted}") from None
    if scheme in own:
        _find_own(own[scheme], f"{key} is '{scheme}://…'")
    elif scheme in _PACKAGES and find_spec(_PACKAGES[scheme]) is None:
        package = _PACKAGES[scheme]
        raise SetupError(f"{key} needs {package}; install it by: pip install 'Flask-Datastar[{package}]'")


def make_broker(
    url: str, receiver: Receiver, options: BrokerOptions, own: Mapping[str, BrokerSource] | None = None
) -> Broker:
    """Create the broker that a checked URL names. It opens nothing before its first use."""
    scheme = url.partition("://")[0]
    if own and scheme in own:
        return _find_own(own[scheme], f"the broker's URL is '{scheme}://…'")(url, receiver, options)
    module, _, name = _BUILT_IN[scheme].partition(":")
    broker: Broker = getattr(import_module(module), name)(url, receiver, options)
    return broker


def _find_own(source: BrokerSource, title: str) -> type[Broker]:
    """Return the class of one of the application's own brokers, which is imported if only its place is given."""
    found: object = source
    if isinstance(source, str):
        module, _, name = source.replace(":", ".").rpartition(".")
        try:
            found = getattr(import_module(module), name, None)
        except ImportError as error:
            raise SetupError(
                f"{title}, but its broker {source!r} cannot be imported: {error}; correct the path, or install what "
                "it needs"
            ) from error
    if not isinstance(found, type) or not issubclass(found, Broker):
        raise ConfigError(
            f"{title}, but its broker {source!r} is not a class of brokers; accepted: a subclass of "
            "flask_datastar.brokers.Broker, or its place, such as 'shop.brokers:NatsBroker'"
        )
    return found
