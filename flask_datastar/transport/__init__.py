"""Sockets, threads and greenlets: the one place that knows the servers and gevent. It knows no Flask.

Nothing here makes a lock, a thread or a descriptor when it is imported: workers fork, and with a preloaded app gevent
patches the standard library after the import. Everything is made at first use and belongs to the process that made it.
"""
