"""The sending methods of ``Datastar``, ``EventResponse`` and everything else that sends events."""

from __future__ import annotations

from .base import Sent
from .elements import Component, ElementMethods
from .scripts import ScriptMethods
from .signals import SignalMethods

__all__ = ["Component", "SendingMethods"]


class SendingMethods(SignalMethods[Sent], ElementMethods[Sent], ScriptMethods[Sent]):
    """All sending methods; their options after the first argument are keyword-only.

    ``event_id`` is printable ASCII; "" clears the browser's last event id. ``retry_ms`` is the browser's wait before a
    retry, in milliseconds. Each method raises :exc:`ValueError` or :exc:`TypeError` for a value that cannot be sent,
    before it sends anything.
    """
