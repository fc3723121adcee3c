"""Hypothesis without clock, randomness or files: a run gives the same result everywhere."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("flask_datastar", derandomize=True, deadline=None, database=None, max_examples=100)
settings.load_profile("flask_datastar")
