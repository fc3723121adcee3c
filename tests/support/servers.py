"""Environs of servers that are not installed, and calls as their modules make them."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, TypeVar

T = TypeVar("T")

#: Said by every bridge to ASGI.
MANY = {"wsgi.multithread": True, "wsgi.multiprocess": True}


class Channel:
    """A connection of waitress."""

    adj = SimpleNamespace(threads=7)

    def check_client_disconnected(self) -> bool:
        return False


#: A request of waitress with seven threads.
WAITRESS: dict[str, Any] = {
    "SERVER_SOFTWARE": "waitress",
    "wsgi.multithread": True,
    "waitress.client_disconnected": Channel().check_client_disconnected,
}


def inside(module: str, function: Callable[[], T]) -> T:
    """Call a function from within a module of that name."""
    namespace: dict[str, Any] = {"__name__": module}
    exec("def serve(function): return function()", namespace)
    found: T = namespace["serve"](function)
    return found
