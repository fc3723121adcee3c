"""Brokers: how what is published in one process reaches the streams of others. One module each, and a row here."""

from __future__ import annotations

from importlib import import_module
from typing import Final
from urllib.parse import urlsplit

from .base import Broker, BrokerOptions, Receiver

__all__ = ["BROKERS", "Broker", "BrokerOptions", "Receiver", "make_broker"]

#: Scheme of ``DATASTAR_BROKER_URL`` → the module that has it, its class, and what has to be installed for it.
BROKERS: Final = {
    "memory": ("memory", "MemoryBroker", None),
    "redis": ("redis", "RedisBroker", "redis"),
    "rediss": ("redis", "RedisBroker", "redis"),
}


def make_broker(url: str, receiver: Receiver, options: BrokerOptions) -> Broker:
    """Make the broker that a checked URL names. It opens nothing before its first use."""
    module, name, _ = BROKERS[urlsplit(url).scheme]
    broker: Broker = getattr(import_module(f".{module}", __name__), name)(url, receiver, options)
    return broker
