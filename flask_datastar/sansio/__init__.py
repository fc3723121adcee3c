"""The pure core: text in, text out.

The modules in this folder import neither Flask nor WSGI nor sockets, and raise only :exc:`ValueError` (the value cannot
be sent) and :exc:`TypeError` (the value has the wrong type). ``tests/test_layers.py`` checks both.
"""
