"""The methods of ``Datastar`` for presence."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

from flask import has_request_context, request

from ..errors import SetupError
from ..hub import scopes
from ..hub.hub import StreamHub
from ..reading.signals import is_datastar_request
from ..security.tokens import check_no_token
from ..state.app import AppState, current_app_state
from ..state.request import RequestState, current_request_state
from ..state.topic_reads import record_topic
from ..streams.current import HubParts, hub_of
from ..streams.running import running_body
from ..streams.servers import check_publisher
from ..streams.subscriptions import check_topics
from .joins import Join, find_sender, is_stream, may_open_stream, presence_of
from .messages import MOST_DATA_BYTES
from .process import Presence


@dataclass(frozen=True, slots=True)
class Present:
    """One person at a topic."""

    #: The person, as streams name their scope; "" for a tab that belongs to nobody.
    scope: str
    #: How many tabs the person has there; a tab that was closed a moment ago still counts.
    tabs: int
    #: When the person came, as Unix time.
    since: float
    #: The data of the newest join of any of the person's tabs.
    data: dict[str, Any]


class PresenceMethods:
    """The methods of ``Datastar`` for presence."""

    def join(self, topic: str, /, **data: Any) -> None:
        """Make the person of this page present at a topic, as long as the page has a stream open.

        In the view of a live page and in a stream's function it starts when the stream opens, in a generator at once.
        In a handler it applies to the page that sent the request. Joining again replaces the data.

        :param data: what everybody at the topic may see of the person, such as a name; at most 1,024 bytes of JSON.
        :raises ValueError: if the topic's name is not accepted, or the data has no strict JSON form, or is too large.
        :raises SetupError: if there is no request, or the data contains the user's CSRF token.
        """
        name, state = _topic(topic), _request_state(self, "join")
        text = _data_text(state.app_state, name, data)
        _check_processes(state)
        presence = presence_of(state.app_state)
        if (body := running_body(state)) is not None:
            presence.join(body.stream, name, text)
        elif may_open_stream(state):
            sender = None if is_stream(state.app_state) else find_sender(state)
            state.subscriptions.append(Join(hub_of(state.app_state), presence, name, text, sender))
        elif (found := find_sender(state)) is not None:
            owner = presence.join_page(*found, name, text)
            if owner is not None and found[0] not in (None, owner):
                state.app_state.warn_once(
                    "Datastar: a handler joins a topic for a page whose stream names another scope than DATASTAR_SCOPE "
                    "does, so nobody is counted; let the page's view or stream join, or name the same scope"
                )

    def leave(self, topic: str, /) -> None:
        """Make the tab of this page leave a topic at once. Other tabs of the person stay.

        :raises ValueError: if the topic's name is not accepted.
        :raises SetupError: if there is no request.
        """
        name, state = _topic(topic), _request_state(self, "leave")
        _check_processes(state)
        presence = presence_of(state.app_state)
        if (body := running_body(state)) is not None:
            presence.leave(body.stream, name)
            return
        for joined in [one for one in state.subscriptions if isinstance(one, Join) and one.topic == name]:
            # Without a sender, its end joins nothing.
            joined.sender = None
            joined.close()
            state.subscriptions.remove(joined)
        if (found := find_sender(state)) is not None:
            scope, tab, _ = found
            presence.leave_tab(scope, tab, name)

    def presence(self, topic: str, /) -> list[Present]:
        """List the people at a topic, in all processes, in the order of their arrival.

        A region that calls it is rendered again when the list changes. Elsewhere, :meth:`presence_topic` names the
        topic to wait for. It works wherever there is an app context.

        :raises ValueError: if the topic's name is not accepted.
        """
        name = _topic(topic)
        presence = presence_of(current_app_state(self))
        started_at = time.monotonic()
        seen = presence.seen(name)
        waited_seconds = time.monotonic() - started_at
        record_topic(scopes.presence_topic(name), lambda: presence.is_seen(name, seen), waited_seconds)
        return [Present(one.scope, one.tabs, one.since, json.loads(one.data)) for one in seen]

    def presence_topic(self, topic: str, /) -> str:
        """Return the topic for :meth:`changes` and :meth:`subscribe` that tells when :meth:`presence` is another list.

        :raises ValueError: if the topic's name is not accepted.
        """
        return scopes.presence_topic(_topic(topic))


def install_presence(app_state: AppState) -> None:
    """Add presence to each hub of an app."""
    app_state.part(HubParts).makers.append(_make)


def _make(app_state: AppState, hub: StreamHub) -> None:
    Presence(hub)


def _topic(topic: str) -> str:
    return check_topics((topic,))[0]


def _request_state(extension: object, name: str) -> RequestState:
    """Return the state of the current request.

    :raises SetupError: if there is no request.
    """
    if not has_request_context():
        current_app_state(extension)
        raise SetupError(
            f"datastar.{name}() was called without a request: only the page of a request can join or leave a topic; "
            "call it in the page's view, in a stream or in a handler"
        )
    return current_request_state(extension)


def _check_processes(state: RequestState) -> None:
    """Refuse a handler whose message other processes would not get.

    A page that is loaded tells nobody anything. Its stream does, and is refused when it opens.

    :raises SetupError: if there are several processes and no broker.
    """
    if is_datastar_request(request):
        check_publisher(state.app_state)


def _data_text(app_state: AppState, topic: str, data: dict[str, Any]) -> str:
    """Return the data of a join as JSON text.

    :raises ValueError: if it is too large, or has no strict JSON form.
    """
    text = app_state.dumps(data)
    size = len(text.encode())
    if size > MOST_DATA_BYTES:
        raise ValueError(
            f"the data for topic {topic!r} is {size} bytes of JSON: every process keeps it for every tab, so "
            f"{MOST_DATA_BYTES} are accepted; give an id, and look the rest up where it is shown"
        )
    check_no_token(app_state, text.encode())
    return text
