"""Flask signals (Blinker) that the extension sends, with the app as their sender.

Not to be confused with Datastar's signals, which live in the browser.
"""

from __future__ import annotations

from blinker import Namespace

_hooks = Namespace()

#: Sent after a handler has answered, before the response leaves: ``group`` and ``event`` (str) name the handler,
#: ``response`` is the :class:`flask.Response`. Not sent when the handler raised.
event_handled = _hooks.signal("datastar-event-handled")

#: Sent when the server begins to iterate a stream: ``scope`` (str, "" for none), ``tab`` (str or None), ``endpoint``.
stream_opened = _hooks.signal("datastar-stream-opened")

#: Sent when a stream has ended, with what :data:`stream_opened` had and ``reason``: ``done``, ``replaced``,
#: ``restart``, ``left``, ``slow``, ``age``, ``stopping``, ``failed``, ``refused``.
stream_closed = _hooks.signal("datastar-stream-closed")
