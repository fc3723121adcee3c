"""Streams: responses that stay open, and what is sent on them. Flask glue; sockets and timers are in ``transport``."""
