"""Reading requests: signals, tab ids, and handlers' parameters."""
