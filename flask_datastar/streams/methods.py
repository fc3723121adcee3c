"""The stream half of ``Datastar``: opening streams, waiting in them, and publishing to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar, overload

from flask import Blueprint, Response, request

from ..handlers.declarations import Declarations, DeclaredHandler
from ..handlers.handler import make_handler
from ..hub.scopes import ALL_TABS, AllTabs, Scope, named_scope, named_tab, scope_topic
from ..hub.sources import Followable
from ..security.origin import check_header
from ..state.app import current_app_state
from ..state.request import current_request_state
from ..transport.wakeups import pause
from ..transport.worker import begin_stop
from .broadcast import Broadcast
from .changes import Changes
from .current import hub_of
from .every import Ticks, check_seconds
from .follow import Follow, gap_filler
from .opening import ScopeSource, StreamOptions, open_response
from .publishing import broadcast_events, publish_message
from .refusals import PlainStreams
from .running import add_subscription, running_body
from .subscribe import Messages
from .subscriptions import check_topics
from .tabs import Tabs

F = TypeVar("F", bound=Callable[..., Any])


class StreamMethods:
    """The methods of ``Datastar`` for streams."""

    _declarations: Declarations
    _before_wait: list[Callable[[], object]]

    # typing would keep them, and so Flask, until it is itself torn down.
    if TYPE_CHECKING:

        @overload
        def stream(self, function: F, /) -> F: ...
        @overload
        def stream(
            self,
            /,
            *,
            name: str | None = None,
            group: str | None = None,
            scope: ScopeSource = None,
            blueprint: Blueprint | None = None,
        ) -> Callable[[F], F]: ...

    def stream(
        self,
        function: Callable[..., Any] | None = None,
        /,
        *,
        name: str | None = None,
        group: str | None = None,
        scope: ScopeSource = None,
        blueprint: Blueprint | None = None,
    ) -> Any:
        """Declare a stream: a generator, or a function that returns ``datastar.follow(…)``. It takes GET.

        A generator stream runs in its request's contexts, and waits at its wait points. A function that returns a
        feed sends what it set before, and then keeps the connection alone.

        :param scope: whose stream it is: a user's id, or a callable that gives it in the request. A new stream of a
            tab ends the older ones of the same scope and tab, except those that the same page has under other URLs.
            None and "" mean no deduplication.
        :return: the function, unchanged.
        :raises SetupError: the declaration cannot work, or the name is taken.
        """

        def declare(function: F) -> F:
            handler = make_handler(
                function,
                name=name,
                group=group,
                methods=("GET",),
                blueprint=blueprint,
                on_invalid=None,
                stream_options=StreamOptions(scope, self._before_wait),
            )
            self._declarations.add(DeclaredHandler(handler))
            return function

        return declare if function is None else declare(function)

    def start_stream(self, scope: ScopeSource, events: Iterator[Any] | Follow) -> Response:
        """Open a stream in a plain view, which returns the result.

        :param scope: as in :meth:`stream`.
        :param events: a generator, or ``datastar.follow(…)``.
        :raises werkzeug.exceptions.Forbidden: it was not the Datastar client that asked (403).
        """
        check_header(request)
        state, endpoint = current_request_state(self), str(request.endpoint)
        options = StreamOptions(scope, self._before_wait)
        state.app_state.parts[PlainStreams][endpoint] = True
        return open_response(state, lambda: events, options, endpoint.__str__)

    def every(self, seconds: float) -> Ticks:
        """Tick in a stream: at once, then each period; missed ticks are dropped.

        :param seconds: above 0.
        """
        return Ticks(check_seconds(seconds, "seconds"))

    def subscribe(self, *topics: str, every: float | None = None) -> Messages:
        """Listen to topics from now on: iterate over the result for each :class:`Message`.

        :param every: seconds after which None comes between the messages, again and again; above 0.
        """
        if every is not None:
            check_seconds(every, "every")
        state = current_request_state(self)
        messages = Messages(hub_of(state.app_state), topics, every)
        add_subscription(state, messages)
        return messages

    def changes(self, *topics: str, at_most_every: float = 0.1) -> Changes:
        """Notice changes of topics: once at the start, then once for all that arrived meanwhile.

        Read the state anew at each, and send it whole.

        :param at_most_every: seconds between two, 0 or more.
        """
        check_seconds(at_most_every, "at_most_every", or_zero=True)
        state = current_request_state(self)
        changes = Changes(hub_of(state.app_state), topics, at_most_every)
        add_subscription(state, changes)
        return changes

    def follow(self, *sources: str | Followable, on_gap: Callable[[Broadcast], object] | None = None) -> Follow:
        """Forward what is broadcast to topics, from now on. Return it from a stream's function.

        Without a topic the stream gets what is sent to its user by :meth:`broadcast_to`, and nothing else.

        :param sources: topics, and objects that have a state, which the stream gets first.
        :param on_gap: called when events may have been missed, because the broker was away, with an object that has
            all sending methods: what it sends goes to this stream alone. It runs in the app's context, without a
            request.
        :raises TypeError: ``on_gap`` cannot be called.
        """
        if on_gap is not None and not callable(on_gap):
            raise TypeError(f"on_gap is {on_gap!r}; accepted: a function that takes what sends to the stream")
        state = current_request_state(self)
        fill_gap = gap_filler(state.app_state, on_gap) if on_gap is not None else None
        topics = tuple(source for source in sources if not isinstance(source, Followable))
        made = tuple(source.__datastar_source__() for source in sources if isinstance(source, Followable))
        feed = Follow(hub_of(state.app_state), topics, fill_gap=fill_gap, sources=made)
        add_subscription(state, feed)
        return feed

    def check_connection(self) -> bool:
        """Whether the current stream goes on: False when its client has left or it is to end.

        With gevent others get a turn, without which nobody would notice.
        """
        body = running_body(current_request_state(self))
        if body is None:
            return False
        pause()
        return not body.stream.must_end

    def before_wait(self, function: F) -> F:
        """Call a function before a generator stream waits, to give back what should not be held meanwhile.

        Flask-SQLAlchemy's session is removed by itself.

        :raises TypeError: it cannot be called.
        """
        if not callable(function):
            raise TypeError(f"@datastar.before_wait decorates a function without parameters, not {function!r}")
        self._before_wait.append(function)
        return function

    def publish(self, topic: str, data: Any = None) -> None:
        """Publish data to the streams that :meth:`subscribe` to a topic or notice its :meth:`changes`.

        Works wherever the app's context is: in a view, a command, a background job.

        :param data: anything JSON-able.
        """
        publish_message(current_app_state(self), _topic(topic), data)

    def broadcast(self, topic: str) -> Broadcast:
        """Send events to the streams that :meth:`follow` a topic: the result has all sending methods.

        Each call is one message; inside ``with datastar.broadcast(topic) as out:`` all of them are one, and none is
        sent when the block raises.
        """
        return broadcast_events(current_app_state(self), _topic(topic))

    def broadcast_to(self, scope: Scope, tab: str | AllTabs | None = ALL_TABS) -> Broadcast:
        """Send events to all pages of one scope, or of one of its tabs, at the next wait point of their streams.

        Each page gets them once, however many streams it has.

        :param tab: a tab's id, such as :attr:`tab_id`; left out, all tabs of the scope. None, which :attr:`tab_id` is
            if the page sent no id, is refused.
        :raises ValueError: if ``scope`` or ``tab`` is None or "".
        """
        return broadcast_events(current_app_state(self), scope_topic(named_scope(scope), named_tab(tab)))

    @property
    def tabs(self) -> Tabs:
        """The open streams of this app."""
        return Tabs(current_app_state(self))

    def prepare_stop(self) -> None:
        """Tell that this process is about to stop: its streams end, and their pages come back a little later.

        For a program that stops its server itself; gunicorn and the development server need no call. It holds for all
        apps of the process, and works in a signal handler, without a context.
        """
        begin_stop()

    def stats(self) -> dict[str, Any]:
        """Give counters of this process: open, opened, ended (by reason), dropped, queue_high_water (events)."""
        return hub_of(current_app_state(self)).stats()


def _topic(topic: str) -> str:
    return check_topics((topic,))[0]
