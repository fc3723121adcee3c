"""A gunicorn configuration for Flask-Datastar, to be copied: ``gunicorn --config example/gunicorn.conf.py``."""

import os

# Only this line belongs to the demos.
wsgi_app = "example:create_app()"

# Behind a proxy on the same machine 127.0.0.1 is right; in a container it has to be 0.0.0.0. The variable is not called
# HOST, because some shells keep the machine's name in that one.
bind = f"{os.environ.get('BIND_HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"

# A stream keeps its connection for as long as its page is open, a generator handler for as long as it runs. With gevent
# that is a greenlet that costs a few kilobytes; with the sync worker it would block the process, with threads it would
# keep one of them.
worker_class = "gevent"

# Streams of one process do not hear what another one publishes, so it has to be one, unless DATASTAR_BROKER_URL names a
# Redis between them: then one for each processor. Handlers keep nothing in the process.
workers = 1

# The number of connections of one worker at the same time, streams and idle ones included; further ones wait. More than
# DATASTAR_MAX_STREAMS, or the last streams take the place of the pages.
worker_connections = 2000

# GET and DELETE actions carry their signals in the request line, and 4094 bytes are soon used up. This is the largest
# limit that gunicorn knows. A page with more signals than that uses POST, or says with `_signals` what it sends.
limit_request_line = 8190

# How long a stopping worker waits for the answers that are under way, those of generator handlers included. Streams end
# at once, and their pages come back by themselves.
graceful_timeout = 15

# A connection is kept for the user's next click. Longer than 5 s saves little and holds up a worker that is to stop.
# Behind a proxy that keeps its own connections: longer than the proxy does.
keepalive = 5

# The access log goes to standard output, with the path (U) but without the query string: signals of GET and DELETE
# actions stand there, and they are the users' data. M is the time in milliseconds; a generator handler's includes all
# that it streams.
accesslog = "-"
access_log_format = '%(t)s %(h)s "%(m)s %(U)s" %(s)s %(B)s bytes %(M)s ms'

# Not here: TLS and HTTP/2. Leave both to the proxy, because gunicorn's own HTTP/2 serves the streams of one connection
# one after another, and a running generator handler would keep all other requests of the page waiting.
