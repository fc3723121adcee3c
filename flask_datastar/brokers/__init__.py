"""Brokers: how what is published in one process reaches the streams of others. One module each."""

from __future__ import annotations

from .base import Broker, BrokerOptions, Receiver
from .payload import Payload
from .schemes import BROKERS, make_broker

__all__ = ["BROKERS", "Broker", "BrokerOptions", "Payload", "Receiver", "make_broker"]
