"""Reading requests: bodies, signals, tab ids, and handlers' parameters."""
