"""Tests of applications: a client that behaves as a browser tab, and the promises of brokers.

>>> from flask import Flask
>>> from flask_datastar import Datastar
>>> app = Flask("shop")
>>> datastar = Datastar(app)
>>> @datastar.handler(group="counter")
... def increment(count: int = 0):
...     datastar.signal("count", count + 1)
>>> tab = DatastarClient(app, {"count": 41})
>>> tab.post(increment).signals
{'count': 42}
"""

from __future__ import annotations

from .answer import Answer
from .broker_contract import BrokerContract
from .brokers import Brokers, Inbox
from .client import DatastarClient
from .shared_brokers import SharedBrokerContract

__all__ = ["Answer", "BrokerContract", "Brokers", "DatastarClient", "Inbox", "SharedBrokerContract"]
