"""The hub of an app in this process."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from os import getpid
from typing import Any

from blinker import NamedSignal

from ..brokers.base import Broker
from ..hub.hub import StreamHub
from ..state.app import AppState
from ..transport.wakeups import PerProcess


class HubParts:
    """The parts of higher modules that each hub of an app gets, each made by a function of the app's state and hub."""

    def __init__(self, app_state: AppState) -> None:
        self.makers: list[Callable[[AppState, StreamHub], object]] = []


class _Hubs(PerProcess[StreamHub]):
    """The hubs of an app: a forked process gets its own."""

    def __init__(self, app_state: AppState) -> None:
        super().__init__(partial(_make_hub, app_state))


def hub_of(app_state: AppState) -> StreamHub:
    """Return the hub of an app in this process."""
    hubs: _Hubs = app_state.parts[_Hubs]
    return hubs.by_process[getpid()]


def shared_broker(app_state: AppState) -> Broker | None:
    """Return the app's broker in this process, None for an app of one process."""
    return hub_of(app_state).bus.broker if app_state.settings.broker_url is not None else None


def _make_hub(app_state: AppState) -> StreamHub:
    app = app_state.app
    hub = StreamHub(app_state.settings, app.name, app.logger, partial(tell, app_state))
    for make in app_state.part(HubParts).makers:
        make(app_state, hub)
    return hub


def tell(app_state: AppState, hook: NamedSignal, /, **details: Any) -> None:
    """Send a hook to its receivers, in the app's context. An exception is logged, and the stream goes on."""
    app = app_state.app
    # Without a receiver for this app, its context need not be set up and torn down.
    if not hook.has_receivers_for(app):
        return
    with app.app_context():
        try:
            hook.send(app, **details)
        except Exception:
            app.logger.exception("Datastar: a receiver of %s failed", hook.name)
