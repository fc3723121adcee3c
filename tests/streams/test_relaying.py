"""What one page has sent, relayed to all: neither its tab id nor its CSRF token may go along."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, request
from flask_wtf import CSRFProtect
from flask_wtf.csrf import generate_csrf

from flask_datastar import Datastar
from flask_datastar.brokers.payload import MessageKind, Payload
from flask_datastar.errors import SetupError
from flask_datastar.sse import parse_events
from flask_datastar.streams.broadcast import Broadcast
from tests.conftest import MakeApp
from tests.support.streams import hub_for

HEADERS = {"Datastar-Request": "true", "Sec-Fetch-Site": "same-origin"}
#: What a page sends of its own, with a filter that leaves nothing out.
SIGNALS = {"text": "Tea", "count": 2, "tabId": "t.p", "csrf": "token", "_csrf": "token", "nested": {"tabId": 1}}
KEPT = {"text": "Tea", "count": 2, "nested": {"tabId": 1}}


class Listener:
    """Keeps what is broadcast."""

    def __init__(self, app: Flask) -> None:
        self.sent: list[bytes] = []
        for topic in ("all", "\0003:ann"):
            hub_for(app).bus.subscribe((topic,), self)

    def deliver(self, topic: str, kind: MessageKind, payload: Payload) -> None:
        self.sent.append(payload.data)

    def catch_up(self) -> None: ...

    @property
    def signals(self) -> list[Any]:
        events = parse_events(b"".join(self.sent))
        return [json.loads(event.arguments["signals"]) for event in events]


def relay(signals: dict[str, Any], out: Broadcast) -> None:
    out.patch_signals(signals)


def relay_one_by_one(signals: dict[str, Any], out: Broadcast) -> None:
    with out:
        for name, value in signals.items():
            out.signal(name, value)


def relay_raw(signals: dict[str, Any], out: Broadcast) -> None:
    out.patch_signals_raw(request.get_data(as_text=True))


@pytest.mark.parametrize("send", [relay, relay_one_by_one, relay_raw])
@pytest.mark.parametrize("scope", [None, "ann"])
def test_what_is_one_page_s_own_is_left_out(
    app: Flask, datastar: Datastar, send: Callable[[dict[str, Any], Broadcast], None], scope: str | None
) -> None:
    listener = Listener(app)

    @datastar.handler(group="g")
    def act(signals: dict[str, Any]) -> None:
        send(signals, datastar.broadcast("all") if scope is None else datastar.broadcast_to(scope))
        # To the page itself it may go back.
        datastar.patch_signals(signals)

    response = app.test_client().post("/ds/g/act", headers=HEADERS, json=SIGNALS)

    assert listener.signals == [KEPT]
    assert json.loads(parse_events(response.data)[0].arguments["signals"]) == SIGNALS


def relay_nested(signals: dict[str, Any], out: Broadcast) -> None:
    out.patch_signals({"sent": signals})


def relay_in_a_list(signals: dict[str, Any], out: Broadcast) -> None:
    out.signal("sent", [[signals]])


def relay_nested_raw(signals: dict[str, Any], out: Broadcast) -> None:
    out.patch_signals_raw(json.dumps({"sent": signals}))


@pytest.mark.parametrize("send", [relay_nested, relay_in_a_list, relay_nested_raw])
def test_what_is_one_page_s_own_is_left_out_of_signals_inside_others(
    app: Flask, datastar: Datastar, send: Callable[[dict[str, Any], Broadcast], None]
) -> None:
    listener = Listener(app)

    @datastar.handler(group="g")
    def act(signals: dict[str, Any]) -> None:
        send(signals, datastar.broadcast("all"))

    app.test_client().post("/ds/g/act", headers=HEADERS, json=SIGNALS)

    assert listener.signals == [{"sent": [[KEPT]] if send is relay_in_a_list else KEPT}]


def test_nothing_is_sent_where_nothing_is_left(app: Flask, datastar: Datastar) -> None:
    listener = Listener(app)

    with app.app_context():
        datastar.broadcast("all").patch_signals({"tabId": "t.p", "csrf": "token"})
        datastar.broadcast("all").patch_signals_raw('{"tabId":"t.p"}')
        datastar.broadcast("all").signal("tabId", "t.p")
        datastar.broadcast("all").signal("_csrf.x", "token")
        datastar.broadcast("all").remove_signals(["tabId", "_csrf"])
        with datastar.broadcast("all") as out:
            out.signal("csrf", "token")
        assert listener.sent == []

        datastar.broadcast("all").remove_signals(["tabId", "draft"])
        datastar.broadcast("all").remove_signals("other")
    assert listener.signals == [{"draft": None}, {"other": None}]


def test_texts_with_such_names_are_no_signals(app: Flask, datastar: Datastar) -> None:
    listener = Listener(app)
    raw = '{ "text": "\\"tabId\\": csrf",  "number": 1.50 }'

    with app.app_context():
        datastar.broadcast("all").patch_signals_raw(raw)
        with pytest.raises(ValueError, match="JSON"):
            datastar.broadcast("all").patch_signals_raw('{"tabId": }')
        with pytest.raises(ValueError, match="object"):
            datastar.broadcast("all").patch_signals_raw('["tabId"]')

    # As it is, where nothing has to be left out.
    assert raw.encode() in listener.sent[0]


# Tokens, whatever they are called


@pytest.fixture
def protected(make_app: MakeApp) -> tuple[Flask, Datastar]:
    datastar = Datastar()
    app = make_app(datastar)
    CSRFProtect(app)
    return app, datastar


def by_publish(datastar: Datastar, token: str) -> None:
    datastar.publish("all", {"h": token})


def by_nested_publish(datastar: Datastar, token: str) -> None:
    datastar.publish("all", [{"deep": {"h": f"header {token}"}}])


def by_signals(datastar: Datastar, token: str) -> None:
    datastar.broadcast("all").patch_signals({"h": token})


def by_elements(datastar: Datastar, token: str) -> None:
    datastar.broadcast_to("ann").patch_elements(f"<input id='a' value='{token}'>")


def by_script(datastar: Datastar, token: str) -> None:
    datastar.broadcast("all").execute_script(f"send({json.dumps(token)})")


SEND = [by_publish, by_nested_publish, by_signals, by_elements, by_script]


@pytest.mark.parametrize("send", SEND)
def test_token_that_was_made_here_is_refused(
    protected: tuple[Flask, Datastar], send: Callable[[Datastar, str], None]
) -> None:
    app, datastar = protected
    with app.test_request_context():
        token = generate_csrf()
        with pytest.raises(SetupError, match="contains the CSRF token of the user"):
            send(datastar, token)


@pytest.mark.parametrize("way", ["header", "signal", "form"])
@pytest.mark.parametrize("send", SEND)
def test_token_that_came_with_the_request_is_refused(
    protected: tuple[Flask, Datastar], send: Callable[[Datastar, str], None], way: str
) -> None:
    app, datastar = protected
    client, errors = app.test_client(), []

    @app.get("/token")
    def token() -> str:
        return generate_csrf()

    @datastar.handler(group="g")
    def act(signals: dict[str, Any]) -> None:
        found = request.headers.get("X-CSRFToken") or request.form.get("csrf_token") or signals["csrf"]
        try:
            send(datastar, found)
        except SetupError as error:
            errors.append(str(error))

    value = client.get("/token").text
    if way == "form":
        response = client.post("/ds/g/act", headers=HEADERS, data={"csrf_token": value})
    elif way == "signal":
        response = client.post("/ds/g/act", headers=HEADERS, json={"csrf": value})
    else:
        response = client.post("/ds/g/act", headers={**HEADERS, "X-CSRFToken": value}, json={})

    assert response.status_code < 300
    assert len(errors) == 1
    assert "contains the CSRF token of the user" in errors[0]


@pytest.mark.parametrize("value", ["a", "e", "Tea", "1.2.3", ""])
def test_header_that_is_no_token_refuses_nothing(protected: tuple[Flask, Datastar], value: str) -> None:
    app, datastar = protected
    listener = Listener(app)

    with app.test_request_context(headers={"X-CSRFToken": value}):
        datastar.broadcast("all").patch_signals({"text": f"Tea, {value}, and 1.2.3"})
        datastar.publish("all", f"Tea, {value}")

    assert len(listener.sent) == 2


def test_without_protection_nothing_is_refused(app: Flask, datastar: Datastar) -> None:
    listener = Listener(app)

    with app.test_request_context(headers={"X-CSRFToken": "token"}):
        datastar.publish("all", {"h": "token"})

    assert listener.sent == [b'{"h":"token"}']
