"""Brokers: how what is published in one process reaches the streams of others. One module each, and a row here."""

from __future__ import annotations

from importlib import import_module

from .base import Broker, BrokerOptions, Receiver
from .payload import Payload

__all__ = ["BROKERS", "Broker", "BrokerOptions", "Payload", "Receiver", "make_broker"]

#: Scheme of ``DATASTAR_BROKER_URL`` → the module that has it, its class, and what has to be installed for it. A program
#: with a broker of its own adds a row before ``init_app``.
BROKERS: dict[str, tuple[str, str, str | None]] = {
    "memory": ("flask_datastar.brokers.memory", "MemoryBroker", None),
    "redis": ("flask_datastar.brokers.redis", "RedisBroker", "redis"),
    "rediss": ("flask_datastar.brokers.redis", "RedisBroker", "redis"),
}


def make_broker(url: str, receiver: Receiver, options: BrokerOptions) -> Broker:
    """Make the broker that a checked URL names. It opens nothing before its first use."""
    # Not by urlsplit(): it writes a scheme in lower case, and takes none with an underscore for one.
    module, name, _ = BROKERS[url.partition("://")[0]]
    broker: Broker = getattr(import_module(module), name)(url, receiver, options)
    return broker
