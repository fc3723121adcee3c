"""The facts of a request, its answer and its events, as the items of the timeline have them."""

from __future__ import annotations

import html
import inspect
import json
import os
import re
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from flask import Flask, Request
from werkzeug.exceptions import MethodNotAllowed

from ..handlers.handler import EVERY_EVENT
from ..reading.tabs import read_tab
from ..sansio.consts import CLICK_KEY, QUERY_KEY, EventType
from ..sansio.error_overlay import OVERLAY_ID
from ..sansio.events import Event
from ..sansio.tracebacks import own_frames
from ..state.app import AppState
from ..state.request import request_state_of
from .browsers import has_other_cookies
from .records import LONGEST_TEXT, shorten

#: The most bytes of a body that is read for the timeline, where the app has not read it.
_MOST_BODY_BYTES = 65_536
#: Headers that say nothing about an action; ``Cookie`` and ``Authorization`` are secrets that no script may read.
_LEFT_OUT = re.compile(
    r"HTTP_(ACCEPT.*|AUTHORIZATION|CACHE_CONTROL|CONNECTION|COOKIE|DNT|HOST|ORIGIN|PRAGMA|PRIORITY|PROXY.*|REFERER|SEC_.*"
    r"|TE|UPGRADE.*|USER_AGENT|X_FORWARDED.*|X_REAL_IP|FORWARDED)"
)
_OVERLAY_TITLE = re.compile(rf'id="{OVERLAY_ID}-title">(.*?)</h1>', re.DOTALL)
_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_TAG = re.compile(r"<(?:style|script|title)\b.*?</(?:style|script|title)>|<[^>]*>", re.DOTALL | re.IGNORECASE)


def now_ms() -> int:
    """Return the time as the browser's clock counts it."""
    return round(time.time() * 1000)


def head_facts(environ: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Return what is known of a request before the app has it."""
    query = environ.get("QUERY_STRING", "")
    parts = [part for part in query.split("&") if part and part.partition("=")[0] != QUERY_KEY]
    referer = re.sub(r"^https?://[^/]*", "", environ.get("HTTP_REFERER", ""))
    return {
        "kind": kind,
        "at": now_ms(),
        "method": environ["REQUEST_METHOD"],
        "path": shorten(environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", ""), 2000),
        "root": environ.get("SCRIPT_NAME", ""),
        "query": shorten("&".join(parts), 2000),
        "page": shorten(referer, 2000),
        "headers": _shown_headers(environ),
        "has_cookies": has_other_cookies(environ),
    }


def _shown_headers(environ: Mapping[str, Any]) -> dict[str, str]:
    found = {
        name[5:].replace("_", "-").title(): shorten(value, 500)
        for name, value in environ.items()
        if name.startswith("HTTP_") and not _LEFT_OUT.fullmatch(name)
    }
    if content_type := environ.get("CONTENT_TYPE"):
        found["Content-Type"] = shorten(content_type, 500)
    return found


def answer_facts(app_state: AppState, current: Request, query: str) -> dict[str, Any]:
    """Return what is known of a request when its answer starts.

    :param query: the query string as it came: some keys are taken out for the app.
    """
    signals, form = sent_signals(current, query), _sent_form(current)
    tab, page_id = read_tab(current, signals if isinstance(signals, dict) else {})
    skipped = (QUERY_KEY, CLICK_KEY)
    parameters = {name: value for name, value in parse_qsl(query, keep_blank_values=True) if name not in skipped}
    facts: dict[str, Any] = {
        "tab": tab,
        "page_id": page_id,
        "signals": _bounded(signals),
        "parameters": _bounded({**(current.view_args or {}), **parameters}),
        **_found_facts(app_state, current),
    }
    return facts if form is None else {**facts, "form": _bounded(form)}


def _found_facts(app_state: AppState, current: Request) -> dict[str, Any]:
    """Return the facts of the handler that has the URL; where it does not take the verb, what it takes."""
    problem = current.routing_exception
    if not isinstance(problem, MethodNotAllowed) or not problem.valid_methods:
        return {**handler_facts(app_state, current.endpoint), **({"is_unrouted": True} if problem else {})}
    verbs = [verb for verb in sorted(problem.valid_methods) if verb not in ("HEAD", "OPTIONS")]
    adapter = app_state.app.create_url_adapter(current)
    facts: dict[str, Any] = {}
    if adapter is not None and verbs:
        facts = handler_facts(app_state, adapter.match(method=verbs[0])[0])
    # Only the URL reaches it by this verb.
    facts.pop("target", None)
    why = f"{facts.get('handler', 'it')} takes {' and '.join(verbs) or 'no verb'}, not {current.method}"
    return {**facts, "is_unrouted": True, "refusal": why}


def sent_signals(current: Request, query: str) -> Any:
    """Return the signals that a request sent, also if the app has refused it unread; None if it sent none."""
    state = request_state_of(current)
    if state is not None and state.received:
        return state.received
    text: str | None = dict(parse_qsl(query)).get(QUERY_KEY)
    if text is None and current.mimetype == "application/json":
        # A request that is refused has not been read. What is read here, nobody else wants any more.
        text = current.get_data(as_text=True) if _is_small(current) else "…"
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return shorten(text, 500)


def _is_small(current: Request) -> bool:
    """Return whether a body may be read for the timeline; without a length, it may have no end."""
    limit = current.max_content_length
    length = current.content_length
    return length is not None and length <= min(_MOST_BODY_BYTES, _MOST_BODY_BYTES if limit is None else limit)


def _sent_form(current: Request) -> dict[str, Any] | None:
    """Return the fields of a form post; a file is its name. None if the app has not read a large one."""
    if current.mimetype not in ("application/x-www-form-urlencoded", "multipart/form-data"):
        return None
    if "form" not in current.__dict__ and not _is_small(current):
        return None
    fields: dict[str, Any] = {name: values if len(values) > 1 else values[0] for name, values in current.form.lists()}
    return {**fields, **{name: f"file {file.filename}" for name, file in current.files.items()}}


def _bounded(value: Any) -> Any:
    """Return a value, or its text where it is too large for an item."""
    text = json.dumps(value, default=str, ensure_ascii=False)
    return value if len(text) <= LONGEST_TEXT else shorten(text)


def handler_facts(app_state: AppState, endpoint: str | None) -> dict[str, Any]:
    """Return the handler, stream or view behind an endpoint, with its source."""
    if endpoint is None:
        return {}
    extension: Any = app_state.extension
    for info in extension.handlers:
        if endpoint in info.rules:
            name = f"{info.group}.{info.name}"
            facts = {"handler": name, "function": info.function, "source": _near(info.source)}
            # Of "handle_event", only the URL tells the event.
            return facts if info.name == EVERY_EVENT else {**facts, "target": name}
    view = app_state.app.view_functions.get(endpoint)
    return {"handler": endpoint, **(_code_facts(view) if view is not None else {})}


def _code_facts(view: Callable[..., Any]) -> dict[str, str]:
    function = inspect.unwrap(getattr(view, "view_class", view))
    code = getattr(function, "__code__", None)
    name = f"{function.__module__}.{getattr(function, '__qualname__', '')}"
    # The page of a StarView has the name of its class, and the code of the extension.
    if code is None or code.co_filename.startswith(_PACKAGE):
        return {"function": name}
    return {"function": name, "source": _near(f"{code.co_filename}:{code.co_firstlineno}")}


def _near(source: str) -> str:
    """Shorten a path to the part below the current folder."""
    return source.removeprefix(os.path.join(os.getcwd(), ""))


def event_facts(event: Event) -> dict[str, Any]:
    """Return an event for the timeline; its title, if it is the overlay of an exception."""
    arguments = event.arguments if event.data_lines else {}
    facts: dict[str, Any] = {
        "type": event.type,
        "at": now_ms(),
        "size": len(event.encode()),
        "arguments": {name: shorten(value) for name, value in arguments.items()},
    }
    if event.event_id is not None:
        facts["event_id"] = event.event_id
    if event.type == EventType.PATCH_ELEMENTS and (title := _OVERLAY_TITLE.search(arguments.get("elements", ""))):
        facts["overlay"] = html.unescape(title[1])
    return {"event": facts}


def error_facts(app: Flask, error: BaseException) -> dict[str, Any]:
    """Return an exception for the timeline, with the application's own frames."""
    report = traceback.TracebackException.from_exception(error, compact=True)
    text = own_frames(report, (app.root_path,)) or "".join(report.format())
    facts = {"type": type(error).__name__, "message": shorten(str(report), 2000)}
    return {"error": {**facts, "traceback": text[-LONGEST_TEXT:]}}


def refusal_text(body: bytes, content_type: str) -> str:
    """Return the text of the answer to a refused request, without its tags."""
    text = body.decode("utf-8", "replace")
    if "html" in content_type:
        text = html.unescape(_TAG.sub(" ", text))
    return shorten(" ".join(text.split()), 2000)


def query_facts(queries: Iterable[Any]) -> list[dict[str, Any]]:
    """Return what Flask-SQLAlchemy has recorded of a request's queries."""
    return [
        {
            "statement": shorten(str(query.statement), 2000),
            "parameters": shorten(repr(query.parameters), 500),
            "ms": round((query.end_time - query.start_time) * 1000, 2),
        }
        for query in list(queries)[:100]
    ]
