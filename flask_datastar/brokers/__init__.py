"""Brokers: how what is published in one process reaches the streams of others.

Public, for brokers of one's own, are the names of ``__all__``.
"""

from __future__ import annotations

from .base import Broker, BrokerOptions, Receiver
from .payload import Payload

__all__ = ["Broker", "BrokerOptions", "Payload", "Receiver"]
