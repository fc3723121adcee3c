"""Request contexts that outlive the view, for bodies that the application's own code makes step by step.

Flask tears a request down as soon as its view has returned, and with it everything that a generator did in a database
session before its first ``yield``. So the teardown of such a request waits for the end of its body: Flask's own calls
are recorded, and made then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextvars import Context, ContextVar, copy_context
from typing import Any, TypeVar

from flask import Flask, Request, request

from .app import AppState, Wsgi
from .click_end import CLICK_END, KEY_START, run_click
from .request import REQUEST_KEY, RequestState, request_state_of

T = TypeVar("T")
Teardown = Callable[..., None]

#: The key in the environ of the request whose exception leaves the app: Flask drops the request with its context.
_FAILED_REQUEST = "flask_datastar.failed_request"


class KeptContexts:
    """The contexts of the current request, for all steps of its body; created in the view.

    Steps run in a copy of the view's context variables. So no context is active in the server's thread between two
    steps, a step may run in any thread, and variables that one step sets are there in the next. Teardown functions run
    in the request's own context: only there can they undo what a ``before_request`` function has set.
    """

    __slots__ = ("_context", "_noted", "_own", "_request", "_teardowns", "_variables", "app")

    def __init__(self, app: Flask, current: Request) -> None:
        self.app = app
        self._request = current
        self._context: Context | None = copy_context()
        #: The variables at the end of the request, for the teardown.
        self._variables: Context | None = None
        #: The request's own context, once the request has been left; until then it is the current one.
        self._own: Context | None = None
        self._teardowns: list[Callable[[BaseException | None], object]] = []
        self._noted: set[Teardown] = set()

    def run(self, function: Callable[..., T], *arguments: Any) -> T:
        """Call a function in the contexts.

        :raises RuntimeError: if the body has ended.
        """
        if self._context is None:
            raise RuntimeError("the body has ended, and with it the contexts of its request")
        return self._context.run(function, *arguments)

    def keep(self) -> None:
        """Keep the end of the request from tearing anything down. Called as the server takes the response."""
        if self._context is not None:
            self._variables = copy_context()
            _kept.set(self)
            # Uploaded files stay open as well, for the body to read.
            self._request.__dict__["close"] = self._defer_close

    def leave(self, own: Context) -> None:
        """Prepare the request's own context for the teardown: Flask has dropped its variables there by now."""
        if self._context is not None and self._variables is not None:
            own.run(_restore, self._variables)
            self._own, self._variables = own, None

    def give_up(self) -> None:
        """Allow the request to be torn down at its end after all."""
        _kept.set(None)
        self._request.__dict__.pop("close", None)

    def defer(self, app: Flask, teardown: Teardown, arguments: tuple[Any, ...]) -> bool:
        """Record a call by which Flask tears the request down, to make it at the end of the body.

        :param arguments: the arguments of the call; the last one is the exception.
        :return: False for any other call, which must not wait.
        """
        if app is not self.app or teardown in self._noted:
            return False
        self._noted.add(teardown)
        self._teardowns.append(lambda error: teardown(*arguments[:-1], arguments[-1] if error is None else error))
        return True

    def _defer_close(self) -> None:
        del self._request.__dict__["close"]
        self._teardowns.append(lambda error: self._request.close())

    def end(self, error: BaseException | None) -> None:
        """Tear the request down. Called in the contexts; safe to call twice.

        Exceptions of teardown functions are logged: the status is sent already, and the body has to end cleanly.

        :param error: the exception that ended the body, for teardown functions; None if the body is complete.
        """
        self._context = None
        own, self._own = self._own, None
        teardowns, self._teardowns = self._teardowns, []
        state = request_state_of(self._request)
        if state is not None:
            state.close()
        for teardown in teardowns:
            try:
                teardown(error) if own is None else own.run(teardown, error)
            except Exception:
                self.app.logger.exception("Datastar: an exception at the teardown of %s", self._request.path)


def _restore(variables: Context) -> None:
    for variable, value in variables.items():
        variable.set(value)
    _kept.set(None)


#: The contexts that the current request, which is ending, leaves to its body.
_kept: ContextVar[KeptContexts | None] = ContextVar("flask_datastar.kept_contexts", default=None)


def _prepare_teardown(
    app: Flask, current: Request, state: RequestState | None, *, has_failed: bool
) -> KeptContexts | None:
    """Close what no body of a request will have.

    :param has_failed: whether an exception has left the request, so that another response goes out.
    :return: the contexts that the body keeps; None if they are torn down now.
    """
    kept = _kept.get()
    if has_failed:
        if app.debug:
            current.environ[_FAILED_REQUEST] = current
        if kept is not None:
            # The exception came after that, for example when the session was saved.
            kept.give_up()
            kept = None
    if state is not None and (state.subscriptions or state.stream_body is not None):
        state.close(has_failed=has_failed)
    return kept


def _click_teardown(tear_down_request: Teardown) -> Teardown:
    """Create the teardown of a request that runs a click, which ends after the app's functions: these may commit."""

    def tear_down_click(*arguments: Any) -> None:
        error: BaseException | None = arguments[-1] if arguments else None
        raised: BaseException | None = None
        try:
            tear_down_request(*arguments)
        except BaseException as found:
            raised = found
            raise
        finally:
            current: Request = request._get_current_object()  # type: ignore[attr-defined]
            state: RequestState = current.__dict__[REQUEST_KEY]
            click, state.claim = state.claim, None
            answer = click.leave(raised or error)
            end: list[Any] | None = current.environ.get(CLICK_END)
            if end is None:
                # The body goes on without the app, or a test has kept the context.
                click.end(error, is_torn_down=raised is None)
            else:
                end += (click, error, answer)

    return tear_down_click


def _make_wsgi_app(app_state: AppState, bare: Wsgi) -> Wsgi:
    """Create the app's function for servers: each request has a context of its own, which its body can keep.

    :param bare: the function so far.
    """
    has_table = app_state.settings.repeats is not None
    inner = bare

    def start(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        # app.run() switches debug mode on, long after init_app. Later requests do not come here.
        nonlocal inner
        is_watched = app_state.app.debug and not app_state.app.testing
        inner = app_state.watch_requests(bare) if is_watched else bare
        return inner(environ, start_response)

    inner = start

    def wsgi_app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        own = copy_context()
        try:
            if KEY_START in environ.get("QUERY_STRING", ""):
                return run_click(own, inner, environ, start_response, has_table=has_table)
            return own.run(inner, environ, start_response)
        except Exception as error:
            current = environ.pop(_FAILED_REQUEST, None)
            response = app_state.answer_exception(current, error) if current is not None else None
            if response is None:
                raise
            return response(environ, start_response)
        finally:
            kept = own.get(_kept)
            if kept is not None:
                kept.leave(own)

    return wsgi_app


def install_contexts(app_state: AppState) -> None:
    """Make the app's teardown wait for bodies that go on, and call ``app_state.answer_exception`` for exceptions."""
    app = app_state.app
    tear_down_request, tear_down_app = app.do_teardown_request, app.do_teardown_appcontext
    tear_down_click = _click_teardown(tear_down_request)

    def do_teardown_request(*arguments: Any) -> None:
        current = request._get_current_object()  # type: ignore[attr-defined]
        state: RequestState | None = current.__dict__.get(REQUEST_KEY)
        # The last argument is the exception; newer versions of Flask pass the context, too.
        kept = _prepare_teardown(app, current, state, has_failed=bool(arguments) and arguments[-1] is not None)
        if state is None or state.claim is None:
            if kept is None or not kept.defer(app, tear_down_request, arguments):
                tear_down_request(*arguments)
        elif kept is None or not kept.defer(app, tear_down_click, arguments):
            tear_down_click(*arguments)

    def do_teardown_appcontext(*arguments: Any) -> None:
        kept = _kept.get()
        if kept is None or not kept.defer(app, tear_down_app, arguments):
            tear_down_app(*arguments)

    app.do_teardown_request = do_teardown_request  # type: ignore[assignment, method-assign]
    app.do_teardown_appcontext = do_teardown_appcontext  # type: ignore[assignment, method-assign]
    app.wsgi_app = _make_wsgi_app(app_state, app.wsgi_app)  # type: ignore[assignment, method-assign]
