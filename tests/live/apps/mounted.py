"""The example below a prefix, as Werkzeug's middleware mounts it."""

from __future__ import annotations

from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.wrappers import Response

from example import create_app

app = DispatcherMiddleware(Response("the site around it"), {"/some/mount": create_app()})
