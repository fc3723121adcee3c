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

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .answer import Answer
    from .broker_contract import BrokerContract
    from .brokers import Brokers, Inbox
    from .client import DatastarClient
    from .live_page import LivePage
    from .renders import Render, capture_renders
    from .shared_brokers import SharedBrokerContract

__all__ = [
    "Answer",
    "BrokerContract",
    "Brokers",
    "DatastarClient",
    "Inbox",
    "LivePage",
    "Render",
    "SharedBrokerContract",
    "capture_renders",
]

# Imported on first access, because `import flask_datastar.testing.waiting` also runs this file, in processes that
# gevent patches later.
_MODULES = {
    "Answer": "answer",
    "BrokerContract": "broker_contract",
    "Brokers": "brokers",
    "DatastarClient": "client",
    "Inbox": "brokers",
    "LivePage": "live_page",
    "Render": "renders",
    "SharedBrokerContract": "shared_brokers",
    "capture_renders": "renders",
}

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        value = globals()[name] = getattr(import_module(f".{_MODULES[name]}", __name__), name)
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
