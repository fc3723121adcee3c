"""Sockets, threads and greenlets: the only code that knows the servers and gevent. It imports no Flask.

No module here creates a lock, a thread or a descriptor when it is imported, because workers fork, and with a preloaded
app gevent patches the standard library after the import. All of them are created at first use, by each process for
itself.
"""
