"""Documented usage as the type checker sees it: ``make check`` reads this file, nothing runs it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, assert_type

from flask import Flask, redirect, render_template
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from flask_datastar import Datastar, Event, Signal, Signals, StarView, event, sse
from flask_datastar.brokers import Broker, BrokerOptions, Payload

app = Flask(__name__)
datastar = Datastar(app)
# Settings are typed key by key.
Datastar(
    url_prefix="/live", trusted_origins=["https://a.example"], csp_nonce=lambda: "n", max_streams=9, broker_url=None
)
Datastar(app, keepalive_seconds=15, broker_on_failure="drop", script_integrity=None, direct_writes=False)
Datastar(app, scope=lambda: 7)
Datastar(scope="ada")  # type: ignore[arg-type]
Datastar(scope=lambda: 1.5)  # type: ignore[arg-type,return-value]
Datastar(url_prefx="/live")  # type: ignore[call-arg]
Datastar(max_streams="9")  # type: ignore[arg-type]
Datastar(broker_on_failure="ignore")  # type: ignore[arg-type]
unbound = Datastar()
unbound.init_app(app)


@app.get("/")
def index() -> str:
    datastar.signal("count", 0)
    return render_template("index.html")


@datastar.handler
def increment(count: int = 0) -> None:
    datastar.signal("count", count + 1)


@datastar.handler(name="import", group="demo", methods=["POST"])
def import_rows(signals: Signals) -> Iterator[None]:
    for row in signals["rows"]:
        datastar.signal("row", row)
        yield


@datastar.handler
def export_rows() -> Iterator[Event | str]:
    yield "<p id='state'>half</p>"
    yield sse.patch_signals({"done": True})


@app.get("/old")
def old() -> ResponseReturnValue:
    return datastar.start().patch_signals({"count": 1}).remove_elements("#old")


class Base(StarView):
    def load(self, *args: Any, **parameters: Any) -> Any:
        return super().load(*args, **parameters)


# Parameters and results of its own, whatever the base class has.
@datastar.view("/counter/<int:start>")
class CounterView(Base):
    template = "counter.html"
    decorators = (lambda function: function,)

    def load(self, start: int) -> ResponseReturnValue | None:
        return redirect("/") if start < 0 else None

    def show(self, start: int) -> None:
        datastar.signal("count", start)

    def html(self) -> str:
        return str(super().html())

    @event
    def add(self, count: int = 0) -> int:
        return count

    @event(name="remove", methods=["DELETE"])
    def subtract(self, count: int = 0) -> None: ...

    def handle_event(self, event: str, signals: Signals) -> Signals:
        return {event: signals}


assert_type(CounterView(), CounterView)
assert_type(CounterView().add(), int)


@dataclass
class Order:
    person: str


@datastar.handler(on_invalid=datastar.show_errors)
def place(signals: Order, name: Annotated[str, Signal("user.name")] = "") -> None:
    datastar.signal("person", signals.person)


# The decorator hands back the function itself, with its own type.
increment(count=1)
assert_type(increment(), None)
assert_type(datastar.read_signals(), Signals)
assert_type(datastar.read_signals(Order), Order)
assert_type(datastar.form(Order), Order)
assert_type(sse.remove_elements("#old"), Event)
assert_type(sse.remove_elements("#old").encode(), bytes)

# Everything that `patch_elements` takes.
datastar.patch_elements("<p id='a'></p>")
datastar.patch_elements([Markup("<p id='a'></p>"), "<p id='b'></p>"], to="list", mode="append")
datastar.patch_elements(lambda assigns: f"<p id='a'>{assigns['count']}</p>")
datastar.patch_elements(None, selector="#a", mode="remove")
assert_type(datastar.html_attrs(), Markup)


@datastar.stream(scope=lambda: 7)
def log() -> object:
    return datastar.follow("log", on_gap=lambda out: out.patch_elements("<p id='a'></p>"))


# Over all processes.
assert_type(datastar.tabs.count(everywhere=True), int)
assert_type(datastar.tabs.scopes(everywhere=True), set[str])
assert_type(datastar.tabs.close("ann", restart=True), int)


class OwnBroker(Broker):
    """What a broker of one's own has to have."""

    is_shared = True

    def publish(self, channel: str, topic: str, kind: str, payload: Payload, *, waits: bool = True) -> None:
        self.receiver.receive(topic, kind, payload)

    def subscribe(self, channel: str) -> None: ...
    def unsubscribe(self, channel: str) -> None: ...
    def note_streams(self, scope: str, tab: str | None, streams: int) -> None: ...
    def count_elsewhere(self, scope: str, tab: str | None) -> int:
        return 0

    def count_tabs_elsewhere(self) -> int:
        return 0

    def scopes_elsewhere(self) -> set[str]:
        return set()

    def close(self) -> None: ...


class Process:
    """What a broker belongs to."""

    def receive(self, topic: str, kind: str, payload: Payload) -> None: ...
    def lose_process(self) -> None: ...
    def catch_up(self) -> None: ...


OwnBroker("own://", Process(), BrokerOptions("shop", timeout_seconds=1)).publish("a", "a", "events", Payload(b""))
Datastar(brokers={"own": OwnBroker, "other": "shop.brokers:OtherBroker"}, broker_url="own://")
