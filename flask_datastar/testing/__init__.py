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
    from .clock import FrozenClock, frozen_clock
    from .live_page import LivePage
    from .page_element import PageElement
    from .page_errors import ClientFileMissing, DuplicateId, ElementError, FormNotSent, NotInTab, PageError
    from .published import Published, capture_published
    from .refused import RequestRefused
    from .renders import Render, capture_renders
    from .shared_brokers import SharedBrokerContract
    from .tab_state import PageRequest

__all__ = [
    "Answer",
    "BrokerContract",
    "Brokers",
    "ClientFileMissing",
    "DatastarClient",
    "DuplicateId",
    "ElementError",
    "FormNotSent",
    "FrozenClock",
    "Inbox",
    "LivePage",
    "NotInTab",
    "PageElement",
    "PageError",
    "PageRequest",
    "Published",
    "Render",
    "RequestRefused",
    "SharedBrokerContract",
    "capture_published",
    "capture_renders",
    "frozen_clock",
]

# Imported on first access, because `import flask_datastar.testing.waiting` also runs this file, in processes that
# gevent patches later.
_MODULES = {
    "FrozenClock": "clock",
    "Published": "published",
    "capture_published": "published",
    "frozen_clock": "clock",
    "Answer": "answer",
    "BrokerContract": "broker_contract",
    "Brokers": "brokers",
    "ClientFileMissing": "page_errors",
    "DatastarClient": "client",
    "DuplicateId": "page_errors",
    "ElementError": "page_errors",
    "FormNotSent": "page_errors",
    "Inbox": "brokers",
    "LivePage": "live_page",
    "NotInTab": "page_errors",
    "PageElement": "page_element",
    "PageError": "page_errors",
    "PageRequest": "tab_state",
    "Render": "renders",
    "RequestRefused": "refused",
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
