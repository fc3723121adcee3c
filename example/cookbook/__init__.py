"""The cookbook: a page for each recipe, with the source of the page beside it."""

from __future__ import annotations

from example.cookbook import modal, notify, toast, undo
from example.cookbook.pages import bp

__all__ = ["bp", "modal", "notify", "toast", "undo"]
