"""A gunicorn configuration for Flask-Datastar to copy: ``gunicorn --config example/gunicorn.conf.py``."""

import os

# Only this line is specific to the demos.
wsgi_app = "example:create_app()"

# Behind a proxy on the same machine 127.0.0.1 is right; a container needs 0.0.0.0. The variable is not called HOST,
# because some shells keep the machine's name in HOST.
bind = f"{os.environ.get('BIND_HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"

# A stream keeps its connection as long as its page is open, a generator handler as long as it runs. With gevent this
# costs a greenlet of a few kilobytes; a sync worker would be blocked, and a threaded worker would lose a thread.
worker_class = "gevent"

# Streams receive only what their own process publishes, so use one worker, unless DATASTAR_BROKER_URL connects the
# processes through Redis: then use a worker for each processor. Handlers keep nothing in the process.
workers = 1

# The most connections of one worker at a time, including streams and idle ones; further connections wait. Must be more
# than DATASTAR_MAX_STREAMS, or the last streams leave no connection for pages.
worker_connections = 2000

# GET and DELETE actions carry their signals in the request line, and gunicorn's default of 4094 bytes is soon used up.
# This is gunicorn's largest limit. A page with more signals uses POST, or sends fewer with `_signals`.
limit_request_line = 8190

# How long a stopping worker waits for running responses, including those of generator handlers, in seconds. Streams end
# at once, and their pages come back by themselves.
graceful_timeout = 15

# How long a connection is kept for the user's next click, in seconds. More would save little and delay a stopping
# worker. Behind a proxy that keeps connections itself, use a longer time than the proxy does.
keepalive = 5

# The access log goes to standard output, with the path (U) but without the query string, because it contains the
# signals of GET and DELETE actions, which are the users' data. M is the time in milliseconds, up to the last byte of a
# generator handler.
accesslog = "-"
access_log_format = '%(t)s %(h)s "%(m)s %(U)s" %(s)s %(B)s bytes %(M)s ms'

# TLS and HTTP/2 are left to the proxy, because gunicorn's own HTTP/2 serves the requests of one connection one after
# another, and a running generator handler would block all other requests of its page.
