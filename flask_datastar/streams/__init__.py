"""Streams: answers that stay open, and what goes out on them. Flask glue; sockets and timers are in ``transport``."""
