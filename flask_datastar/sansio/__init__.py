"""The pure core: text in, text out.

Nothing below this folder knows Flask, WSGI or sockets, and nothing in it raises anything but :exc:`ValueError` (the
value cannot be sent) and :exc:`TypeError` (it is of a wrong type). ``tests/test_layers.py`` checks the imports.
"""
