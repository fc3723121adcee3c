"""The running app's side of ``flask datastar doctor``: a URL that reports facts and opens a stream for it.

It exists where ``DATASTAR_DOCTOR`` is True. All that it is asked for is in a token, which is signed with the app's
``SECRET_KEY`` and short-lived: whoever could sign one could as well forge everybody's session.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from flask import Response, request
from werkzeug.exceptions import NotFound

from ..errors import DatastarError
from ..state.app import AppState
from .doctor_facts import config_facts, process_name, request_facts, server_facts
from .doctor_token import TOKEN_HEADER, read_token

#: The last part of the probe's path, below ``DATASTAR_URL_PREFIX``; no handler's path has one part only.
PROBE = "-doctor"
EVENT = "datastar-doctor"
#: Published to end the first half of the stream, and the whole of it.
SILENCE, STOP = "silence", "stop"
#: The start of the text for a token that opens nothing.
REFUSED = "Datastar: "
#: The longest wait of a stream for the doctor's messages, and its longest silence, in seconds.
_MOST_SECONDS = 120
_ENDPOINT = f"datastar.{PROBE}"


def install_probe(app_state: AppState) -> None:
    """Make the probe reachable. It answers before all guards of the app, such as a login that every page needs."""
    app = app_state.app

    def answer() -> Response | None:
        return _answer(app_state) if request.endpoint == _ENDPOINT else None

    def unreachable() -> Response:
        raise NotFound

    path = f"{app_state.settings.url_prefix}/{PROBE}"
    app.add_url_rule(path, _ENDPOINT, unreachable, methods=["GET"])
    # The extension's own function stays first.
    app.before_request_funcs.setdefault(None, []).insert(1, answer)


def _answer(app_state: AppState) -> Response:
    token = request.headers.get(TOKEN_HEADER)
    if token is None or request.method != "GET":
        raise NotFound
    try:
        asked = read_token(app_state.app, token)
    except ValueError as error:
        return Response(f"{REFUSED}{error}", 403, mimetype="text/plain")
    if asked.get("ask") == "stream":
        return _open_stream(app_state, str(asked["topic"]), min(float(asked["seconds"]), _MOST_SECONDS))
    return _report(app_state, asked)


def _report(app_state: AppState, asked: dict[str, Any]) -> Response:
    failed = None
    if "topic" in asked:
        extension: Any = app_state.extension
        try:
            extension.publish(str(asked["topic"]), asked.get("say", process_name()))
        except DatastarError as error:
            failed = str(error)
    facts = {
        "config": config_facts(app_state),
        "server": server_facts(app_state, request.environ),
        "request": request_facts(request),
        "failed": failed,
    }
    return Response(json.dumps(facts), mimetype="application/json", headers={"Cache-Control": "no-store"})


def _open_stream(app_state: AppState, topic: str, seconds: float) -> Response:
    extension: Any = app_state.extension
    # Whatever encodes the stream from here on is not this app's extension.
    request.environ["HTTP_ACCEPT_ENCODING"] = "identity"
    try:
        response: Response = extension.start_stream("", _events(extension, topic, seconds))
    except DatastarError as error:
        response = Response(str(error), 500, mimetype="text/plain")
    return response


def _events(extension: Any, topic: str, seconds: float) -> Iterator[None]:
    """Send the stream of the doctor: what the processes publish at its request, then silence, then the end."""
    messages = extension.subscribe(topic, every=_MOST_SECONDS)
    extension.send(EVENT, ["state opened"])
    yield
    for message in messages:
        if message is None or message.data == STOP:
            return
        if message.data == SILENCE:
            break
        extension.send(EVENT, [f"said {message.data}"])
        yield
    extension.send(EVENT, ["state silent"])
    yield
    for number in extension.every(seconds):
        if number:
            break
    extension.send(EVENT, ["state closing"])
    yield
