"""The ``gunicorn.conf.py`` that ``flask datastar init`` makes; ``example/gunicorn.conf.py`` says more of each line."""

GUNICORN_CONF = '''\
"""gunicorn reads this file by itself from the folder in which it is started."""

# A stream keeps its connection as long as its page is open: with gevent that is a greenlet of a few kilobytes.
worker_class = "gevent"

# Streams of one process do not hear what another one publishes, unless DATASTAR_BROKER_URL joins them.
workers = 1

# Of one worker at the same time, streams included: more than DATASTAR_MAX_STREAMS.
worker_connections = 2000

# GET and DELETE actions carry their signals in the request line.
limit_request_line = 8190

# How long a stopping worker waits for handlers that are running; streams end at once.
graceful_timeout = 15

# Longer than 5 s saves little and holds up a worker that is to stop.
keepalive = 5

# Without the query string: the signals of GET and DELETE actions are the users' data.
accesslog = "-"
access_log_format = '%(t)s %(h)s "%(m)s %(U)s" %(s)s %(B)s bytes %(M)s ms'
'''
