"""The endpoint for the conformance suite of the Datastar SDKs: ``gunicorn example.conformance:app``.

It reads a list of events from the signals and sends exactly these events. It is a plain view instead of a handler, to
show the lower level of the extension: ``read_signals()`` and ``start()``.
"""

from __future__ import annotations

from typing import Any

from flask import Flask
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from flask_datastar import Datastar

app = Flask(__name__)
datastar = Datastar(app)

# The suite's name of an option → the keyword of the sending method. Options that the suite leaves out keep the default.
COMMON = {"eventId": "event_id", "retryDuration": "retry_ms"}
ELEMENTS = {
    "elements": "elements",
    "selector": "selector",
    "mode": "mode",
    "namespace": "namespace",
    "useViewTransition": "use_view_transition",
    "viewTransitionSelector": "view_transition_selector",
}
SIGNALS = {"onlyIfMissing": "only_if_missing"}
SCRIPT = {"autoRemove": "auto_remove", "attributes": "attributes"}


def pick_options(event: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {keyword: event[name] for name, keyword in (COMMON | names).items() if name in event}


@app.route("/test", methods=["GET", "DELETE", "POST", "PUT", "PATCH"])
def answer_events() -> Response:
    response = datastar.start()
    for event in datastar.read_signals().get("events", []):
        match event.get("type"):
            case "patchElements":
                options = pick_options(event, ELEMENTS)
                response.patch_elements(options.pop("elements", None), **options)
            case "patchSignals" if "signals-raw" in event:
                response.patch_signals_raw(event["signals-raw"], **pick_options(event, SIGNALS))
            case "patchSignals":
                response.patch_signals(event["signals"], **pick_options(event, SIGNALS))
            case "executeScript":
                response.execute_script(event["script"], **pick_options(event, SCRIPT))
            case unknown:
                raise BadRequest(f"unknown type of event: {unknown!r}")
    return response
