"""Handlers that do nothing, for tests of what is written about them."""

from __future__ import annotations

from typing import Any

from flask_datastar import Datastar


def add(datastar: Datastar, group: str | None = None, name: str = "add", **options: Any) -> Any:
    """Declare a handler that does nothing; each call makes another function."""

    def handler(**any_parameters: Any) -> None: ...

    handler.__qualname__ = f"handler_{group}_{name}"
    return datastar.handler(group=group, name=name, **options)(handler)
