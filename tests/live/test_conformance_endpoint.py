"""The endpoint of the SDK conformance suite: what a request lists is what the answer sends, for each method."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request

import pytest

from tests.live.servers import DEADLINE_SECONDS

EVENTS = [
    {"type": "patchElements", "elements": "<p>\n  1\n</p>", "selector": "#x", "mode": "inner", "eventId": "a1"},
    {"type": "patchElements", "selector": "#x", "mode": "remove", "useViewTransition": True},
    {"type": "patchSignals", "signals": {"b": None, "a": [1, 2]}, "onlyIfMissing": True, "retryDuration": 2000},
    {"type": "patchSignals", "signals-raw": '{\n"a": 1}', "signals": {"ignored": True}},
    {"type": "executeScript", "script": "f()", "autoRemove": False, "attributes": {"type": "module"}},
]
# The lines of each event; the order among the data lines is free, except for lines of the same key.
ANSWERS = """\
event: datastar-patch-elements
id: a1
data: selector #x
data: mode inner
data: elements <p>
data: elements   1
data: elements </p>

event: datastar-patch-elements
data: selector #x
data: mode remove
data: useViewTransition true

event: datastar-patch-signals
retry: 2000
data: onlyIfMissing true
data: signals {"a":[1,2],"b":null}

event: datastar-patch-signals
data: signals {
data: signals "a": 1}

event: datastar-patch-elements
data: selector body
data: mode append
data: elements <script type="module">f()</script>

"""


def split_events(text: str) -> list[list[str]]:
    return [sorted(event.split("\n")) for event in text.removesuffix("\n\n").split("\n\n")]


@pytest.mark.parametrize("method", ["GET", "DELETE", "POST", "PUT", "PATCH"])
def test_events_of_the_request_are_sent(servers, method):
    server = servers.start("example.conformance:app", ready="test")
    signals = json.dumps({"events": EVENTS})
    in_query = method in ("GET", "DELETE")
    request = urllib.request.Request(
        f"{server.url}test?{urllib.parse.urlencode({'datastar': signals}) if in_query else ''}",
        data=None if in_query else signals.encode(),
        headers={"Datastar-Request": "true", "Content-Type": "application/json"},
        method=method,
    )
    with urllib.request.urlopen(request, timeout=DEADLINE_SECONDS) as response:
        assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        body = response.read().decode()

    assert split_events(body) == split_events(ANSWERS)
