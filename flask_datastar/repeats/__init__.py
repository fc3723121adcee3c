"""Clicks that run once: what a click answered is kept for the repeats that the client sends of it."""
