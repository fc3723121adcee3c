"""Actions and page helpers, for templates and for Python."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from flask import Flask, request
from markupsafe import Markup, escape

from ..errors import SetupError
from ..handlers.declarations import Declarations
from ..models.kinds import begin_signals
from ..reading.signals import is_datastar_request
from ..sansio import javascript
from ..sansio.actions import UrlPart, action, add_header
from ..sansio.consts import TAB_HEADER, TAB_ID_SIGNAL, TOKEN_SIGNAL
from ..sansio.javascript import Expression
from ..sansio.missing_client import missing_client_script
from ..sansio.stream_action import ASK_WHEN_ONLINE, RETRY_WAIT
from ..sansio.tab_signal import TAB_HEADER_VALUE, TAB_SIGNAL
from ..security import tokens as csrf
from ..security.nonce import nonce_attribute
from ..state.app import AppState, current_app_state
from ..state.detached import find_detached
from ..state.request import RequestState, ensure_request_state
from . import urls
from .options import WRITING_VERBS, add_filter, check_once
from .parameters import check_parameters_of_any
from .targets import find_handler


class PageHelpers:
    """The methods of ``Datastar`` for pages, in Python and in templates: actions, expressions, the page's head.

    ``target`` is a handler function, a module and a handler name, ``"shop.cart.add"``, or ``"add"`` alone (first in
    the running view's group, then in its module). Keyword arguments are handler parameters; the client's options start
    with an underscore; ``_signals=("query",)`` sends only these signals and the tab id, ``_signals=()`` no signals.
    """

    _declarations: Declarations

    @abstractmethod
    def _find_app_state(self) -> AppState:
        """Return the state of the app that the page belongs to."""

    def get(self, target: object, event: str | None = None, /, **params: Any) -> Expression:
        """Write ``@get(…)``, for a handler that takes GET."""
        return self._action("get", target, event, params)

    def post(self, target: object, event: str | None = None, /, **params: Any) -> Expression:
        """Write ``@post(…)``."""
        return self._action("post", target, event, params)

    def put(self, target: object, event: str | None = None, /, **params: Any) -> Expression:
        """Write ``@put(…)``."""
        return self._action("put", target, event, params)

    def patch(self, target: object, event: str | None = None, /, **params: Any) -> Expression:
        """Write ``@patch(…)``."""
        return self._action("patch", target, event, params)

    def delete(self, target: object, event: str | None = None, /, **params: Any) -> Expression:
        """Write ``@delete(…)``."""
        return self._action("delete", target, event, params)

    def query(self, target: object, event: str | None = None, /, **params: Any) -> Expression:
        """Write ``@query(…)``, for a handler that takes QUERY; needs client v1.0.4."""
        return self._action("query", target, event, params)

    def open_stream(self, target: object, event: str | None = None, /, **params: Any) -> Expression:
        """Write the action that opens a stream, for ``data-init``; its text never varies between renders.

        It sends only the tab id of all signals, so that no other one appears in URLs and access logs. A page whose
        network returns reconnects at once.

        :param params: parameters of the stream; ``_signals=("page", "filter")`` sends these signals, too,
            ``_open_when_hidden=True`` keeps the stream open in hidden tabs.
        """
        options = {"_retry": "always", "_retry_max_count": math.inf, "_request_cancellation": "cleanup", **params}
        if options.get("_signals") in (None, (), [], frozenset()) and options.get("_filter_signals") is None:
            options["_signals"] = (TAB_ID_SIGNAL,)
        more = RETRY_WAIT if params.get("_retry_max_wait_ms") is None else ""
        written = self._action("get", target, event, options, more)
        if params.get("_request_cancellation") is not None:
            # If the client does not cancel the first request, a second one would run beside it.
            return written
        return Expression.from_js(written.js + ASK_WHEN_ONLINE)

    def tab_signal(self) -> Markup:
        """Write the attributes that set two ids: one for each tab, kept across navigations, and one for each page.

        For the layout's root element, such as ``<body {{ datastar.tab_signal() }}>``, if it has no ``data-effect``.
        """
        state = _page_state()
        if state is None or not csrf.is_protected(state.app_state.app):
            return Markup(TAB_SIGNAL)
        token = Expression.from_js(javascript.string(csrf.page_token()))
        return Markup(f'{TAB_SIGNAL} data-signals:{TOKEN_SIGNAL}="{token}"')

    def js(self, value: object) -> Expression:
        """Write a value as a JavaScript literal that is safe inside an attribute with either quote.

        :param value: any value that can be sent as JSON.
        :return: the expression; its ``.js`` is the text for use in a script.
        :raises ValueError: if a part of the value has no strict JSON form.
        """
        return Expression.from_js(javascript.literal(value, self._find_app_state().dumps))

    def expr(self, js: str) -> Expression:
        """Mark text as JavaScript, where an option, a header or a parameter takes a value.

        :param js: for example ``"$id"``. Never build it from users' input.
        :raises TypeError: if it is not a string.
        """
        if not isinstance(js, str):
            raise TypeError(f"expr() got {type(js).__name__}; accepted: str of JavaScript. For a value, use js()")
        return Expression.from_js(js)

    def script(self) -> Markup:
        """Write the ``<script>`` that loads the client.

        In debug mode another script comes before it and shows a message in the page if the client does not load, and
        the script of the timeline comes after it.
        """
        app_state, page = self._find_app_state(), _page_state()
        settings, app = app_state.settings, app_state.app
        url = settings.script_url
        if url.startswith("/") and not url.startswith("//"):
            url = urls.root_path(app_state) + url
        attributes = f' integrity="{settings.script_integrity}" crossorigin' if settings.script_integrity else ""
        nonce = nonce_attribute(page, "nonce")
        own = f" {nonce}" if nonce else ""
        script = f'<script type="module" src="{escape(url)}"{attributes}{own}></script>'
        if app.debug and not app.testing and page is not None:
            script = f"<script{own}>{missing_client_script(url)}</script>\n{script}"
            if further := app_state.page_script():
                script += f'\n<script type="module" src="{escape(further)}"{own}></script>'
        return Markup(script)

    def html_attrs(self) -> Markup:
        """Write the attribute of ``<html>`` that passes the page's nonce to the client, with ``DATASTAR_CSP_NONCE``.

        The result is empty without that key, and in the response to a Datastar request: the client keeps the nonce of
        its page.
        """
        return nonce_attribute(_page_state(), "data-nonce")

    def init_signals(self, model: type[Any] | None = None, /) -> Expression:
        """Write the signals set in this request, for the page's ``data-signals``.

        The result is ``{}`` in the response to a Datastar request: there the flush sends the changes, and setting all
        signals again would overwrite what the user has typed since.

        :param model: write the defaults of this model instead (a dataclass, a TypedDict, a pydantic or msgspec model),
            or what this request set in their place; a field without a default is empty.
        :raises ValueError: if a signal has no strict JSON form.
        """
        state = _page_state()
        # HTML rendered for an open page must not overwrite what was typed there; without a request no page is open.
        if state is None and (model is None or ensure_request_state() is not None):
            return Expression.from_js("{}")
        signals = state.tracked.signals if state is not None else {}
        if model is not None:
            signals = begin_signals(model, signals)
        if state is not None and csrf.is_protected(state.app_state.app):
            signals = {TOKEN_SIGNAL: csrf.page_token(), **signals}
        return Expression.from_js(javascript.signals_literal(signals, self._find_app_state().dumps))

    def _action(
        self, verb: str, target: object, event: str | None, params: dict[str, Any], more: str = ""
    ) -> Expression:
        app_state = self._find_app_state()
        options = {name[1:]: value for name, value in params.items() if name.startswith("_")}
        values = {name: value for name, value in params.items() if not name.startswith("_")}
        prefix, module = options.pop("prefix", None), options.pop("module", None)
        tab_filter = None
        if (signals := options.pop("signals", None)) is not None:
            tab_filter = add_filter(options, signals)
        options["headers"] = csrf.action_headers(app_state.app, verb.upper(), options.get("headers"))
        if _may_leave_tab_out(options, tab_filter):
            options["headers"] = add_header(options["headers"], TAB_HEADER, Expression.from_js(TAB_HEADER_VALUE))
        once = options.pop("once", True)
        if once is not True:
            check_once(once)
        if isinstance(target, str) and target.startswith("/"):
            url = urls.view_url(target, event, module, values)
        elif module is not None:
            url = self._module_url(app_state, target, module, values)
        else:
            handler = find_handler(self._declarations.handlers, app_state, target, event)
            if verb.upper() not in handler.methods:
                raise SetupError(
                    f"handler {handler} does not take {verb.upper()}; it takes {', '.join(handler.methods)}. Use that "
                    f"verb, or declare it with methods=[{verb.upper()!r}]"
                )
            url = urls.handler_url(app_state, handler, values)
            once = once and handler.once
            if handler.is_generator:
                # The client would repeat a request whose response breaks off, and the handler would run twice.
                options.setdefault("retry_max_count", 0)
        has_key = once and verb in WRITING_VERBS and app_state.settings.repeats_seconds > 0
        return action(verb, urls.with_prefix(app_state, url, prefix), options, more, has_key=has_key)

    def _module_url(self, app_state: AppState, target: object, module: object, values: dict[str, Any]) -> list[UrlPart]:
        """Build a URL whose group the browser fills in from a signal."""
        handlers = self._declarations.handlers
        if not isinstance(target, str) or "." in target or not handlers.named(target):
            known = ", ".join(sorted({handler.name for handler in handlers})) or "none"
            raise SetupError(f"with _module, the target is a handler name; got {target!r}, known names: {known}")
        check_parameters_of_any(app_state, target, handlers.named(target), values)
        group = module if isinstance(module, Expression) else Expression.from_js(str(module))
        base = urls.root_path(app_state) + app_state.settings.url_prefix
        return [f"{base}/", group, f"/{target}", *urls.query_parts(values, separator="?")]


class TemplateHelpers(PageHelpers):
    """The object that templates know as ``datastar``: it can neither send nor publish."""

    def __init__(self, declarations: Declarations, extension: object) -> None:
        self._declarations = declarations
        self._extension = extension

    @property
    def is_datastar_request(self) -> bool:
        """Whether the client sent the request; False in regions and broadcasts, which are for several pages."""
        state = ensure_request_state() if find_detached() is None else None
        return state is not None and not state.renders_for_others and is_datastar_request(request)

    def _find_app_state(self) -> AppState:
        return current_app_state(self._extension)


def install_template_helpers(app: Flask, helpers: TemplateHelpers) -> None:
    """Add the global ``datastar`` and the filter ``js`` to an app's templates."""
    app.jinja_env.globals["datastar"] = helpers
    app.jinja_env.filters["js"] = helpers.js


def _page_state() -> RequestState | None:
    """Return the request's state while its page is rendered, None for anything else.

    The response to a Datastar request goes into a page that has its own token and nonce, and a broadcast goes to other
    users.
    """
    state = ensure_request_state()
    return None if state is None or state.renders_for_others or is_datastar_request(request) else state


def _may_leave_tab_out(options: Mapping[str, object], tab_filter: object) -> bool:
    """Return whether an action may not send the signal with the tab id.

    :param tab_filter: the filter that is known to let it through.
    """
    content_type, chosen = options.get("content_type"), options.get("filter_signals")
    is_json = content_type is None or (content_type == "json" and not isinstance(content_type, Expression))
    return not is_json or options.get("payload") is not None or (chosen is not None and chosen is not tab_filter)
