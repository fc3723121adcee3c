"""Brokers: the carriers of messages from one process to the streams of others.

The names of ``__all__`` are public, for brokers of your own.
"""

from __future__ import annotations

from .base import Broker, BrokerOptions, Receiver
from .payload import Payload

__all__ = ["Broker", "BrokerOptions", "Payload", "Receiver"]
