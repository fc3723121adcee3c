"""The cookbook: a page for each recipe, with the source of the page beside it."""

from __future__ import annotations

from importlib import import_module

from example.cookbook.pages import RECIPES, bp

__all__ = ["bp"]

# They add their pages to the blueprint, and their handlers to the extension.
for name in RECIPES:
    import_module(f"{__name__}.{name}")
