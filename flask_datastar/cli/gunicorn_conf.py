"""The ``gunicorn.conf.py`` that ``flask datastar init`` creates; ``example/gunicorn.conf.py`` explains its lines."""

GUNICORN_CONF = '''\
"""gunicorn's configuration. gunicorn reads this file from the folder in which it is started."""

# A stream keeps its connection as long as its page is open; with gevent it costs a greenlet of a few kilobytes.
worker_class = "gevent"

# Streams receive only what their own process publishes, unless DATASTAR_BROKER_URL connects the processes.
workers = 1

# Connections of one worker at a time, including streams. Must be more than DATASTAR_MAX_STREAMS.
worker_connections = 2000

# GET and DELETE actions carry their signals in the request line.
limit_request_line = 8190

# How long a stopping worker waits for running handlers, in seconds; streams end at once.
graceful_timeout = 15

# More than 5 seconds would save little and delay a stopping worker.
keepalive = 5

# Without the query string, because the signals of GET and DELETE actions are the users' data.
accesslog = "-"
access_log_format = '%(t)s %(h)s "%(m)s %(U)s" %(s)s %(B)s bytes %(M)s ms'
'''
