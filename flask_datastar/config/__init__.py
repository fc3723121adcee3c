"""The configuration: its keys, their defaults and their checks."""
