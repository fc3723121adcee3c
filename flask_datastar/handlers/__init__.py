"""Functions that the browser can call: the allow-list and the dispatcher."""
