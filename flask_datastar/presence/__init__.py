"""Presence: the people at each topic, in all processes."""
