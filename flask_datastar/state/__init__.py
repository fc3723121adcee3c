"""The state of one app, and of one request to it."""
