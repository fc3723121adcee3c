"""A form with every field of WTForms, rendered by the macro of the how-to, and what the handler got of it."""

from __future__ import annotations

from typing import Any

import wtforms
from flask import Response, jsonify
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired, MultipleFileField
from jinja2 import ChoiceLoader, FileSystemLoader
from wtforms import validators, widgets

from tests.live.apps.base import STATIC, make_app, render_page

app, datastar = make_app(__name__)
# The macro that the documentation shows.
app.jinja_loader = ChoiceLoader([FileSystemLoader(STATIC.parent / "templates")])  # type: ignore[assignment]
received: list[Any] = []

CHOICES = ["a", "b", "c"]
NUMBERS = ["1", "2", "3"]
Boxes: Any = {"widget": widgets.ListWidget(prefix_label=False), "option_widget": widgets.CheckboxInput()}


class Address(wtforms.Form):
    street = wtforms.StringField(validators=[validators.InputRequired("needed")])
    kind = wtforms.RadioField(choices=CHOICES, validators=[validators.Optional()])
    floor = wtforms.IntegerField(validators=[validators.Optional()])


class Everything(FlaskForm):  # type: ignore[misc]
    text = wtforms.StringField(validators=[validators.InputRequired("needed"), validators.Length(max=5)])
    area = wtforms.TextAreaField()
    secret = wtforms.PasswordField(validators=[validators.Length(max=5)])
    hidden = wtforms.HiddenField(default="kept")
    email = wtforms.EmailField()
    search = wtforms.SearchField()
    tel = wtforms.TelField()
    url = wtforms.URLField()
    color = wtforms.ColorField(default="#112233")
    needed = wtforms.IntegerField(validators=[validators.InputRequired("needed")])
    whole = wtforms.IntegerField(validators=[validators.Optional(), validators.NumberRange(max=9)])
    given = wtforms.IntegerField(validators=[validators.Optional()], default=7)
    decimal = wtforms.DecimalField(validators=[validators.Optional()])
    real = wtforms.FloatField(validators=[validators.Optional()], render_kw={"type": "number", "step": "any"})
    range = wtforms.IntegerRangeField(default=5, render_kw={"max": 9})
    part = wtforms.DecimalRangeField(default=1, render_kw={"max": 9, "step": "0.5"})
    day = wtforms.DateField(validators=[validators.Optional()])
    clock = wtforms.TimeField(validators=[validators.Optional()])
    moment = wtforms.DateTimeField(validators=[validators.Optional()])
    local = wtforms.DateTimeLocalField(validators=[validators.Optional()], format="%Y-%m-%dT%H:%M")
    month = wtforms.MonthField(validators=[validators.Optional()])
    week = wtforms.WeekField(validators=[validators.Optional()])
    flag = wtforms.BooleanField()
    default_flag = wtforms.BooleanField(default=True)
    choice = wtforms.SelectField(choices=["", *CHOICES], validators=[validators.Optional()])
    number = wtforms.SelectField(choices=NUMBERS, coerce=int, default=2)
    several = wtforms.SelectMultipleField(choices=CHOICES)
    boxes = wtforms.SelectMultipleField(choices=CHOICES, default=["b"], **Boxes)
    number_boxes = wtforms.SelectMultipleField(
        choices=NUMBERS, coerce=int, validators=[validators.InputRequired("needed")], **Boxes
    )
    radio = wtforms.RadioField(choices=CHOICES, validators=[validators.InputRequired("needed")])
    number_radio = wtforms.RadioField(choices=NUMBERS, coerce=int, default=3)
    address = wtforms.FormField(Address)
    tags = wtforms.FieldList(wtforms.StringField(validators=[validators.Length(max=3)]), min_entries=2)
    flags = wtforms.FieldList(wtforms.BooleanField(), min_entries=3)
    places = wtforms.FieldList(wtforms.FormField(Address), min_entries=2)
    file = FileField(validators=[FileRequired("needed")])
    files = MultipleFileField()
    save = wtforms.SubmitField("Save")
    draft = wtforms.SubmitField("Draft")


class Prefixed(Everything):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, prefix="own", **kwargs)


FORMS: dict[str, type[FlaskForm]] = {"plain": Everything, "prefixed": Prefixed}
BODY = """{% from "field.html" import bound %}
<form novalidate enctype="multipart/form-data" data-on:submit="{{ action }}">
  {% for field in form %}{{ bound(field) }}{% endfor %}
</form>
<button id="reset" data-on:click="{{ datastar.post('reset') }}">Reset</button>
<p id="done" data-text="$done"></p>"""


@app.get("/<name>/<content_type>")
def page(name: str, content_type: str) -> str:
    form = datastar.form(FORMS[name])
    return render_page(BODY, form=form, action=datastar.post(take, name=name, _content_type=content_type))


@datastar.handler
def take(name: str) -> None:
    form = datastar.form(FORMS[name])
    fits = form.validate()
    datastar.show_errors(form)
    received.append([fits, plain(form.data), form.errors])
    datastar.signal("done", len(received))


@datastar.handler
def reset() -> None:
    """Set signals as a server does that knows nothing of inputs: numbers, lists."""
    datastar.patch_signals({"needed": 4, "given": 8, "radio": "c", "boxes": ["", "", "c"], "several": ["c"]})


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items() if name != "csrf_token"}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if hasattr(value, "filename"):
        return [value.filename, value.mimetype, value.read().decode()]
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


@app.get("/received")
def last_received() -> Response:
    return jsonify(received[-1])
