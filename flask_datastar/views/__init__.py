"""A page and its events in a class."""
