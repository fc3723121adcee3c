"""The stream half of ``Datastar``: opening streams, waiting in them, and publishing to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar, overload

from flask import Blueprint, Response, request

from ..errors import SetupError
from ..handlers.declarations import Declarations, DeclaredHandler
from ..handlers.handler import is_method, make_handler
from ..handlers.marks import EventOptions, mark_method
from ..hub.scopes import ALL_TABS, AllTabs, Scope, named_scope, named_tab, scope_topic
from ..hub.sources import Followable, Source
from ..repeats.app import Repeats
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

    # At run time, typing would keep the overloads, and with them Flask, until typing itself is torn down.
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

        A generator runs in its request's contexts, and waits at its wait points. If a function returns a feed, the
        events that it has sent go out first; after that, only the connection is kept, and not the request.

        A method of a :class:`~flask_datastar.StarView` becomes a stream of the view, with its group, blueprint and
        decorators: ``load`` runs before it is called, and after each wait.

        :param scope: whose stream it is: a user's id, or a function that returns it in the request. A new stream of a
            tab ends older streams of the same scope and tab, except those that the same page has under other URLs.
            None stands for ``DATASTAR_SCOPE``. Where that is None, too, and with "", it ends no other stream.
        :return: the function, unchanged.
        :raises SetupError: if the declaration cannot work, or the name is taken.
        """

        def declare(function: F) -> F:
            if callable(function) and is_method(function):
                self._mark_stream(function, name, scope, has_place=group is not None or blueprint is not None)
                return function
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

    def _mark_stream(
        self, method: Callable[..., Any], name: str | None, scope: ScopeSource, *, has_place: bool
    ) -> None:
        if has_place:
            raise SetupError(
                f"stream {method.__qualname__} is a method, and has the group and the blueprint of its view; leave out "
                "group= and blueprint="
            )
        options = StreamOptions(scope, self._before_wait)
        mark_method(method, EventOptions(name or method.__name__, ("GET",), stream_options=options))

    def start_stream(self, scope: ScopeSource, events: Iterator[Any] | Follow) -> Response:
        """Open a stream in a plain view, which has to return the response.

        :param scope: as in :meth:`stream`.
        :param events: a generator, or ``datastar.follow(…)``.
        :raises werkzeug.exceptions.Forbidden: if the request does not come from the Datastar client (403).
        """
        check_header(request)
        state, endpoint = current_request_state(self), str(request.endpoint)
        options = StreamOptions(scope, self._before_wait)
        state.app_state.parts[PlainStreams][endpoint] = True
        return open_response(state, lambda: events, options, endpoint.__str__)

    def every(self, seconds: float) -> Ticks:
        """Return an iterator that ticks in a stream: at once, then once each period; missed ticks are dropped.

        :param seconds: the period, above 0.
        :return: an iterator over the numbers of the ticks, from 0; missed ticks count.
        :raises ValueError: if ``seconds`` is not a finite number above 0.
        """
        return Ticks(check_seconds(seconds, "seconds"))

    def subscribe(self, *topics: str, every: float | None = None) -> Messages:
        """Subscribe to topics from now on; a stream iterates over the result.

        :param every: the period in seconds, above 0, at which None comes between the messages; without it, never.
        :return: an iterator over the messages, each a :class:`Message`.
        :raises ValueError: if a topic's name is not accepted, or ``every`` is not a finite number above 0.
        """
        if every is not None:
            check_seconds(every, "every")
        state = current_request_state(self)
        messages = Messages(hub_of(state.app_state), topics, every)
        add_subscription(state, messages)
        return messages

    def changes(self, *topics: str, at_most_every: float = 0.1) -> Changes:
        """Return an iterator over changes of topics: at once, then once for all messages that arrived meanwhile.

        A stream reads the state again at each item, and sends it whole.

        :param at_most_every: the shortest time between two items in seconds, 0 or more.
        :return: an iterator over the sets of the topics that have changed; the first set is empty.
        :raises ValueError: if a topic's name is not accepted, or ``at_most_every`` is negative or not finite.
        """
        check_seconds(at_most_every, "at_most_every", or_zero=True)
        state = current_request_state(self)
        changes = Changes(hub_of(state.app_state), topics, at_most_every)
        add_subscription(state, changes)
        return changes

    def follow(self, *sources: str | Followable, on_gap: Callable[[Broadcast], object] | None = None) -> Follow:
        """Forward the events that are broadcast to topics, from now on. A stream's function returns the result.

        Without a topic, the stream gets only the events that :meth:`broadcast_to` sends to its user.

        :param sources: topics, and objects with a state of their own, such as views of regions: the stream gets that
            state first.
        :param on_gap: called after an outage of the broker, in which events may have been missed. Its argument has all
            sending methods, and sends to this stream alone. It runs in the app's context, without a request.
        :raises ValueError: if a topic's name is not accepted.
        :raises TypeError: if ``on_gap`` cannot be called.
        """
        if on_gap is not None and not callable(on_gap):
            raise TypeError(f"on_gap is {on_gap!r}; accepted: a function of one argument, which sends to the stream")
        state = current_request_state(self)
        fill_gap = gap_filler(state.app_state, on_gap) if on_gap is not None else None
        topics: list[str] = []
        made: list[Source] = []
        for source in sources:
            if isinstance(source, Followable):
                made.append(source.__datastar_source__())
            else:
                topics.append(source)
        feed = Follow(hub_of(state.app_state), tuple(topics), fill_gap=fill_gap, sources=tuple(made))
        add_subscription(state, feed)
        return feed

    def check_connection(self) -> bool:
        """Return whether the current stream goes on; False if its client is gone, it has to end, or no stream runs.

        Under gevent the call lets other greenlets run, which is how a client that is gone is noticed.
        """
        body = running_body(current_request_state(self))
        if body is None:
            return False
        pause()
        return not body.stream.must_end

    def before_wait(self, function: F) -> F:
        """Call a function before a generator stream waits, to release what should not be held meanwhile.

        The connection of Flask-SQLAlchemy's session is released without it.

        :return: the function, unchanged.
        :raises TypeError: if the function cannot be called.
        """
        if not callable(function):
            raise TypeError(f"@datastar.before_wait decorates a function without parameters, not {function!r}")
        self._before_wait.append(function)
        return function

    def publish(self, topic: str, data: Any = None) -> None:
        """Publish data to the streams that :meth:`subscribe` to a topic or notice its :meth:`changes`.

        It works wherever there is an app context: in a view, a command, a background job.

        :param data: any value that can be sent as JSON.
        """
        publish_message(current_app_state(self), _topic(topic), data)

    def broadcast(self, topic: str, *, compress: bool = True) -> Broadcast:
        """Return an object with all sending methods, which send to the streams that :meth:`follow` a topic.

        Each call is one message. All calls inside ``with datastar.broadcast(topic) as out:`` are one message, which is
        not sent if the block raises.

        :param compress: False sends the message as it is. All messages to the same streams are compressed together, so
            whoever writes into a topic and sees how much goes over the wire can tell whether others wrote the same.
        """
        return broadcast_events(current_app_state(self), _topic(topic), compress=compress)

    def broadcast_to(self, scope: Scope, tab: str | AllTabs | None = ALL_TABS) -> Broadcast:
        """Return an object with all sending methods, which send to all pages of a scope, or of one of its tabs.

        Each page gets the events once, however many streams it has, at the next wait point of one of them.

        :param tab: a tab's id, such as :attr:`tab_id`; by default all tabs of the scope. None is refused, because
            :attr:`tab_id` is None if the page sent no id.
        :raises ValueError: if ``scope`` or ``tab`` is None or "".
        """
        return broadcast_events(current_app_state(self), scope_topic(named_scope(scope), named_tab(tab)))

    @property
    def tabs(self) -> Tabs:
        """The open streams of this app."""
        return Tabs(current_app_state(self))

    def prepare_stop(self) -> None:
        """Announce that this process is about to stop: its streams end, and their pages come back a little later.

        Only a program that stops its server itself needs the call; gunicorn and the development server do not. It
        applies to all apps of the process, and works in a signal handler, without a context.
        """
        begin_stop()

    def stats(self) -> dict[str, Any]:
        """Return counters of this process: open, opened, ended (by reason), dropped, queue_high_water (events).

        Under ``repeats``: how many clicks ran, and how many repeats of them came.
        """
        app_state = current_app_state(self)
        return {**hub_of(app_state).stats(), "repeats": app_state.part(Repeats).stats()}


def _topic(topic: str) -> str:
    return check_topics((topic,))[0]
