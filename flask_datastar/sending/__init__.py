"""The sending methods, shared by ``Datastar``, by ``EventResponse`` and by everything else that events can go to."""

from __future__ import annotations

from .base import Sent
from .elements import Component, ElementMethods
from .scripts import ScriptMethods
from .signals import SignalMethods

__all__ = ["Component", "SendingMethods"]


class SendingMethods(SignalMethods[Sent], ElementMethods[Sent], ScriptMethods[Sent]):
    """One method for each thing that can be sent; options after the first argument are keyword-only.

    ``event_id`` is printable ASCII, "" clears the browser's. ``retry_ms`` is in milliseconds. Each method raises
    :exc:`ValueError` or :exc:`TypeError` on what cannot be sent, before anything is.
    """
