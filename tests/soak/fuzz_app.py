"""The application of the fuzz: parameters of every kind, forms, uploads, plain views, a class, and what echoes."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple, TypedDict
from uuid import UUID

import msgspec
import pydantic
from flask import Flask, redirect, render_template_string, request
from flask_wtf import CSRFProtect, FlaskForm
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup
from werkzeug.wrappers import Response
from wtforms import (
    BooleanField,
    DateField,
    DecimalField,
    FieldList,
    FileField,
    Form,
    FormField,
    IntegerField,
    RadioField,
    SelectMultipleField,
    StringField,
)
from wtforms.validators import InputRequired, Optional

from flask_datastar import Datastar, Signal, StarView, event

PAGE = """<!doctype html><html><head>{{ datastar.script() }}</head>
<body {{ datastar.tab_signal() }}><main data-signals="{{ datastar.init_signals() }}">{{ text }}
<button data-on:click="{{ datastar.post('echo', text=text) }}"></button></main></body></html>"""


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Row:
    name: str
    count: int = 0


class Point(NamedTuple):
    x: float
    y: float = 0.0


class Place(TypedDict, total=False):
    street: str
    number: int


@dataclass
class Order:
    title: str
    rows: list[Row] = field(default_factory=list)
    where: Place | None = None
    point: Point | None = None
    colours: set[Colour] = field(default_factory=set)


class Customer(pydantic.BaseModel):
    name: str
    age: int = 0
    rows: list[Row] = []
    mails: list[pydantic.NaiveDatetime] = []


class Packet(msgspec.Struct):
    name: str
    weight: float = 0.0
    parts: list[dict[str, int]] = []


class Line(Form):
    what = StringField("what")
    amount = IntegerField("amount", [Optional()])


class Sheet(FlaskForm):
    name = StringField("name", [InputRequired()])
    count = IntegerField("count", [Optional()])
    price = DecimalField("price", [Optional()])
    day = DateField("day", [Optional()])
    done = BooleanField("done")
    kind = RadioField("kind", choices=["a", "b"], validate_choice=False)
    tags = SelectMultipleField("tags", choices=["x", "y"])
    names = FieldList(StringField("name"), min_entries=1, max_entries=5)
    lines = FieldList(FormField(Line), min_entries=1, max_entries=5)
    file = FileField("file")


def make_app(name: str, *, has_csrf: bool, token_seconds: int = 3600) -> Flask:
    """Create the application.

    :param has_csrf: whether Flask-WTF checks a token in every request that changes something.
    :param token_seconds: how long a token is good; below 0, each is too old.
    """
    app = Flask(name)
    app.config["WTF_CSRF_TIME_LIMIT"] = token_seconds
    app.config.update(SECRET_KEY="fuzz", WTF_CSRF_ENABLED=has_csrf, MAX_CONTENT_LENGTH=2_000_000)
    datastar = Datastar(app, max_signals_bytes=200_000)
    if has_csrf:
        CSRFProtect(app)
    _add_handlers(datastar)
    _add_echoes(datastar)
    _add_forms(datastar)
    _add_views(app, datastar)
    _add_class(datastar)
    return app


def _add_handlers(datastar: Datastar) -> None:
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "QUERY"]

    @datastar.handler(group="fuzz", methods=methods)
    def scalars(
        whole: int = 0,
        number: float = 0,
        sure: bool = False,
        text: str = "",
        key: UUID | None = None,
        day: date | None = None,
        at: datetime | None = None,
        clock: time | None = None,
        span: timedelta = timedelta(),
        amount: Decimal = Decimal(),
        kind: Literal["a", 1, True] = "a",
        colour: Colour = Colour.RED,
    ) -> None:
        given = [whole, number, sure, text, key, day, at, clock, span, amount, kind, colour]
        datastar.patch_signals({"given": [str(value)[:50] for value in given]})

    @datastar.handler(group="fuzz", methods=methods)
    def containers(
        ids: list[int] | None = None,
        names: set[str] = frozenset(),  # type: ignore[assignment]
        pair: tuple[int, str] = (0, ""),
        many: tuple[float, ...] = (),
        rows: list[Row] | None = None,
        table: dict[str, list[int]] | None = None,
        places: list[Place] | None = None,
        point: Point | None = None,
        deep: Annotated[str, Signal("form.street")] = "",
        anything: Any = None,
    ) -> None:
        datastar.signal("given", repr((ids, names, pair, many, rows, table, places, point, deep))[:500])
        datastar.signal("anything", anything)

    @datastar.handler(group="fuzz", methods=methods, on_invalid=datastar.show_errors)
    def order(signals: Order) -> None:
        datastar.patch_signals({"title": signals.title, "rows": len(signals.rows)})

    @datastar.handler(group="fuzz", methods=methods, on_invalid=datastar.show_errors)
    def customer(signals: Customer) -> None:
        datastar.signal("name", signals.name)

    @datastar.handler(group="fuzz", methods=methods)
    def packet(signals: Packet, text: str = "") -> None:
        datastar.signal("name", signals.name + text)


def _add_echoes(datastar: Datastar) -> None:
    """Add handlers that send back what they received, in all the ways in which that is allowed."""

    @datastar.handler(group="fuzz", methods=["GET", "POST", "DELETE"])
    def echo(signals: dict[str, Any], text: str = "") -> None:
        datastar.patch_signals(signals)
        datastar.patch_elements(Markup('<p id="text" title="{}">{}</p>').format(text, text))
        datastar.console_log(text)
        datastar.execute_script(f"window.text = {datastar.js(text)}")
        datastar.dispatch_event("noted", {"note": text})

    @datastar.handler(group="fuzz", methods=["GET", "POST"])
    def steps(text: str = "") -> Iterator[Any]:
        yield {"text": text}
        yield Markup('<p id="text">{}</p>').format(text)
        datastar.signal("last", datastar.last_event_id)

    @datastar.handler(group="fuzz")
    def leave(text: str = "") -> Response:
        return redirect(text)

    @datastar.handler(group="fuzz")
    def login(text: str = "") -> Response:
        return redirect("/plain?" + request.query_string.decode("latin-1")[:200] + f"&next={request.full_path}")

    @datastar.handler(group="fuzz")
    def refused(text: str = "") -> None:
        # These take no text of any kind, and say so.
        for send in (datastar.push_url, datastar.redirect, datastar.replace_url):
            try:
                send(text)
            except ValueError:
                datastar.signal("refused", True)
        try:
            datastar.signal("ok", 1).patch_signals({"ok": 2}, event_id=f"row-{text}")
        except ValueError:
            datastar.signal("refused", True)


def _add_forms(datastar: Datastar) -> None:
    @datastar.handler(group="fuzz", methods=["GET", "POST", "PUT", "PATCH", "DELETE", "QUERY"])
    def sheet() -> None:
        form = datastar.form(Sheet)
        form.validate()
        datastar.show_errors(form)

    @datastar.handler(group="fuzz")
    def upload() -> None:
        sizes = [len(file.read()) for file in request.files.values()]
        datastar.patch_signals({"sizes": sizes, "fields": len(request.form), "tab": datastar.tab_id})


def _add_views(app: Flask, datastar: Datastar) -> None:
    @app.route("/plain", methods=["GET", "POST", "PUT", "DELETE", "QUERY"])
    def plain() -> Any:
        signals = datastar.read_signals()
        datastar.check_origin()
        response = datastar.start().patch_signals(signals)
        return response.signal("tab", datastar.tab_id).signal("id", datastar.last_event_id)

    @app.route("/model", methods=["GET", "POST"])
    def model() -> Any:
        return {"title": datastar.read_signals(Order).title}

    @app.get("/page/<path:text>")
    def page(text: str) -> str:
        datastar.patch_signals({"text": text, "asked": list(request.args.values())})
        return render_template_string(PAGE, text=text)

    @app.get("/token")
    def token() -> str:
        return generate_csrf()


def _add_class(datastar: Datastar) -> None:
    @datastar.view("/boards/<int:number>/<name>", group="fuzz-board")
    class Board(StarView):
        def load(self, number: int, name: str) -> None:
            datastar.assign("name", name)

        def html(self) -> str:
            return "<!doctype html><main id='m'></main>"

        @event
        def move(self, step: int = 1, text: str = "") -> None:
            datastar.signal("text", text)

        def handle_event(self, event: str, signals: dict[str, Any]) -> None:
            datastar.signal("event", event)
