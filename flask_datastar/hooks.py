"""Flask signals (Blinker) that the extension sends, with the app as their sender, and the reasons for a stream's end.

They are not Datastar's signals, which live in the browser.
"""

from __future__ import annotations

from enum import StrEnum

from blinker import Namespace


class Reason(StrEnum):
    """The reasons for a stream's end, which :data:`stream_closed` gets; also the keys of ``stats()["ended"]``."""

    #: The generator has finished, or ``tabs.close`` ended the stream. The page does not reconnect.
    DONE = "done"
    #: A newer stream of the same scope and tab took its place.
    REPLACED = "replaced"
    #: ``tabs.close(…, restart=True)`` ended it, and the page reconnects.
    RESTART = "restart"
    #: The worker stops.
    STOPPING = "stopping"
    #: It reached ``DATASTAR_STREAM_MAX_AGE_SECONDS``.
    AGE = "age"
    #: The client read too slowly, and its queue was full.
    SLOW = "slow"
    #: No place was free when it was opened, or a stream with a scope needed its place.
    REFUSED = "refused"
    #: An exception was raised in it.
    FAILED = "failed"
    #: The client closed the connection, or the connection broke.
    LEFT = "left"


_hooks = Namespace()

#: Sent after a handler has returned, before the response leaves: ``group`` and ``event`` (str) name the handler,
#: ``response`` is the :class:`flask.Response`. Not sent if the handler raised an exception.
event_handled = _hooks.signal("datastar-event-handled")

#: Sent when a repeat was answered in place of a handler: ``endpoint`` is Flask's, ``ignored`` (bool) tells that nothing
#: of the first answer was left, ``response`` is the :class:`flask.Response`.
repeat_answered = _hooks.signal("datastar-repeat-answered")

#: Sent when the server starts to iterate a stream: ``scope`` (str, "" for none), ``tab`` (str or None), ``endpoint``
#: (str, Flask's own).
stream_opened = _hooks.signal("datastar-stream-opened")

#: Sent after a region was rendered for the streams that follow it: ``region`` (str, its key), ``arguments`` (dict,
#: name → text), ``reason`` (str, why it was rendered), ``seconds`` (float), ``viewers`` (int, streams of this process),
#: ``has_changed`` (bool), ``error`` (the exception, or None) and ``holders`` (set of str: the identities of the view
#: and of all views that hold it).
region_rendered = _hooks.signal("datastar-region-rendered")

#: Sent when a stream has ended, with the arguments of :data:`stream_opened` and ``reason``, a :class:`Reason`.
stream_closed = _hooks.signal("datastar-stream-closed")
