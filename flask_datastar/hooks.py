"""Flask signals (Blinker) that the extension sends, with the app as their sender.

Not to be confused with Datastar's signals, which live in the browser.
"""

from __future__ import annotations

from blinker import Namespace

_hooks = Namespace()

#: Sent after a handler has answered, before the response leaves: ``group`` and ``event`` (str) name the handler,
#: ``response`` is the :class:`flask.Response`. Not sent when the handler raised.
event_handled = _hooks.signal("datastar-event-handled")
