"""Forms of WTForms filled from signals, from form posts, with files, tokens, nested forms and lists."""

from __future__ import annotations

import html
import subprocess
import sys
from datetime import date
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import wtforms
from flask import Flask, render_template_string
from flask_wtf import CSRFProtect, FlaskForm
from flask_wtf.csrf import generate_csrf
from flask_wtf.file import FileField, FileRequired
from wtforms import validators

from flask_datastar import Datastar, Signals
from flask_datastar.testing import DatastarClient
from tests.conftest import MakeApp

ROOT = Path(__file__).parents[2]


class Address(wtforms.Form):
    street = wtforms.StringField(validators=[validators.DataRequired()])
    zip_code = wtforms.StringField(validators=[validators.Length(min=4, message="too short")])


class Order(FlaskForm):  # type: ignore[misc]
    name = wtforms.StringField(validators=[validators.DataRequired(), validators.Length(max=5)])
    count = wtforms.IntegerField(validators=[validators.Optional()])
    price = wtforms.DecimalField(validators=[validators.Optional()])
    due = wtforms.DateField(validators=[validators.Optional()])
    gift = wtforms.BooleanField()
    terms = wtforms.BooleanField(default=True)
    sizes = wtforms.SelectMultipleField(choices=["s", "m"])
    address = wtforms.FormField(Address)
    tags = wtforms.FieldList(wtforms.StringField(validators=[validators.Length(max=3)]), max_entries=3)
    rows = wtforms.FieldList(wtforms.FormField(Address))

    def validate(self, extra_validators: Any = None) -> bool:
        fits = bool(super().validate(extra_validators))
        if self.name.data == "both":
            self.form_errors.append("cannot be both")
            return False
        return fits


class Plain(wtforms.Form):
    name = wtforms.StringField(validators=[validators.InputRequired()])
    gift = wtforms.BooleanField(validators=[validators.InputRequired()])


SIGNALS = {
    "name": "Ada",
    "count": 3,
    "price": 1.5,
    "due": "2026-11-21",
    "gift": True,
    "terms": False,
    "sizes": ["s", ""],
    "address": {"street": "Main", "zip_code": "1234", "__proto__": "x"},
    "tags": ["a", "", "b"],
    "rows": [{"street": "One", "zip_code": "1111"}, {"street": "Two", "zip_code": "2222"}],
    "validate": "x",
    "errors": {"name": "x"},
    "other": [1] * 5000,
}


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    return make_app(WTF_CSRF_ENABLED=False)


def make_handler(datastar: Datastar, form_class: type, got: list[Any], **options: Any) -> Any:
    @datastar.handler(group="g", methods=["GET", "POST"])
    def save() -> None:
        form = datastar.form(form_class, **options)
        got.append((form.validate(), form))
        datastar.show_errors(form)

    return save


def test_a_form_is_filled_from_signals(datastar: Datastar, app: Flask) -> None:
    got: list[Any] = []
    save = make_handler(datastar, Order, got)

    for answer in (DatastarClient(app, SIGNALS).post(save), DatastarClient(app, SIGNALS).get(save)):
        assert answer.status_code == 200
        fits, form = got.pop()
        assert fits, form.errors
        assert form.data == {
            "name": "Ada",
            "count": 3,
            "price": Decimal("1.5"),
            "due": date(2026, 11, 21),
            "gift": True,
            "terms": False,
            "sizes": ["s"],
            "address": {"street": "Main", "zip_code": "1234"},
            "tags": ["a", "", "b"],
            "rows": [{"street": "One", "zip_code": "1111"}, {"street": "Two", "zip_code": "2222"}],
        }


def test_messages_of_a_form_are_signals(datastar: Datastar, app: Flask) -> None:
    save = make_handler(datastar, Order, [])
    wrong = {
        **{"name": "too long", "count": "x", "sizes": ["xl"], "tags": ["a", "long", "b"]},
        "rows": [{"street": "", "zip_code": "1"}],
    }
    tab = DatastarClient(app, wrong)

    errors = tab.post(save).patched["errors"]

    assert errors == {
        "_": "",
        "name": "Field cannot be longer than 5 characters.",
        "count": "Not a valid integer value.",
        "price": "",
        "due": "",
        "gift": "",
        "terms": "",
        "sizes": "'xl' is not a valid choice for this field.",
        "address": {"_": "", "street": "This field is required.", "zip_code": "too short"},
        "tags": {"_": "", "0": "", "1": "Field cannot be longer than 3 characters.", "2": ""},
        "rows": {"_": "", "0": {"_": "", "street": "This field is required.", "zip_code": "too short"}},
    }

    tab.signals.update(SIGNALS | {"name": "both", "rows": [], "errors": tab.signals["errors"]})
    errors = tab.post(save).signals["errors"]
    assert errors["_"] == "cannot be both"
    assert errors["address"] == {"_": "", "street": "", "zip_code": ""}
    assert errors["rows"]["0"]["street"] == errors["tags"]["1"] == ""


def test_validate_on_submit_works(datastar: Datastar, app: Flask) -> None:
    @datastar.handler(group="g")
    def save() -> Signals:
        return {"saved": datastar.form(Order).validate_on_submit()}

    assert DatastarClient(app, SIGNALS).post(save).patched == {"saved": True}
    assert DatastarClient(app, SIGNALS | {"name": ""}).post(save).patched == {"saved": False}


def test_the_same_form_takes_a_form_post(datastar: Datastar, app: Flask) -> None:
    got: list[Any] = []
    save = make_handler(datastar, Order, got)
    data = {"name": "Ada", "gift": "y", "sizes": ["s", "m"], "address-street": "Main", "address-zip_code": "1234"}

    DatastarClient(app, {"name": "ignored"}).post(save, _data=data | {"tags-0": "a"})

    fits, form = got.pop()
    assert fits, form.errors
    assert (form.name.data, form.gift.data, form.terms.data) == ("Ada", True, False)
    assert (form.sizes.data, form.tags.data) == (["s", "m"], ["a"])


def test_a_form_takes_files(datastar: Datastar, app: Flask) -> None:
    class Upload(FlaskForm):  # type: ignore[misc]
        title = wtforms.StringField()
        file = FileField(validators=[FileRequired()])

    @datastar.handler(group="g")
    def save() -> Signals:
        form = datastar.form(Upload)
        if not form.validate_on_submit():
            datastar.show_errors(form)
            return {}
        return {"got": f"{form.title.data}: {form.file.data.filename} {form.file.data.read().decode()}"}

    tab = DatastarClient(app)
    assert tab.post(save, _data={"title": "Notes", "file": (BytesIO(b"abc"), "a.txt")}).patched == {
        "got": "Notes: a.txt abc"
    }
    missing = tab.post(save, _data={"title": "Notes"}, _content_type="multipart/form-data")
    assert missing.patched == {"errors": {"_": "", "title": "", "file": "This field is required."}}


def test_a_plain_form_is_filled_too(datastar: Datastar, app: Flask) -> None:
    got: list[Any] = []
    save = make_handler(datastar, Plain, got)

    assert DatastarClient(app, {"name": "Ada", "gift": True}).post(save).patched["errors"] == {
        **{"_": "", "name": "", "gift": ""}
    }
    assert got.pop()[1].data == {"name": "Ada", "gift": True}
    # A checkbox that is not ticked is not in a form.
    DatastarClient(app, {"gift": False}).post(save)
    assert got.pop()[1].errors == {"name": ["This field is required."], "gift": ["This field is required."]}


def test_options_are_those_of_the_form(datastar: Datastar, app: Flask) -> None:
    got: list[Any] = []
    save = make_handler(datastar, Plain, got, prefix="buyer", data={"name": "before"})

    DatastarClient(app, {"name": "outside", "buyer": {"name": "Ada", "gift": True}}).post(save)
    assert got.pop()[1].data == {"name": "Ada", "gift": True}
    DatastarClient(app, {"name": "outside"}).post(save)
    assert got.pop()[1].data == {"name": "before", "gift": False}


@pytest.mark.parametrize(
    ("prefix", "signals", "errors"),
    [
        ("buyer", {"buyer": {"name": "Ada"}}, {"buyer": {"_": "", "name": "", "gift": "Needed."}}),
        ("a-b-", {"a": {"b": {"name": "Ada"}}}, {"a": {"b": {"_": "", "name": "", "gift": "Needed."}}}),
        ("buyer.", {"buyer": {"name": "Ada"}}, {"buyer": {"_": "", "name": "", "gift": "Needed."}}),
        ("buyer_", {"buyer_name": "Ada"}, {"_": "", "buyer_name": "", "buyer_gift": "Needed."}),
    ],
)
def test_signals_and_messages_of_a_form_with_a_prefix_have_the_same_paths(
    datastar: Datastar, app: Flask, prefix: str, signals: Signals, errors: Signals
) -> None:
    class Buyer(wtforms.Form):  # type: ignore[misc]
        name = wtforms.StringField(validators=[validators.DataRequired()])
        gift = wtforms.StringField(validators=[validators.DataRequired("Needed.")])

    got: list[Any] = []
    save = make_handler(datastar, Buyer, got, prefix=prefix)

    assert DatastarClient(app, signals).post(save).patched["errors"] == errors
    assert got.pop()[1].name.data == "Ada"
    # A form post has the names that WTForms gives the fields.
    DatastarClient(app).post(save, _data={Buyer(prefix=prefix).name.name: "Bob"})
    assert got.pop()[1].name.data == "Bob"


def test_two_forms_of_a_page_keep_their_messages(datastar: Datastar, app: Flask) -> None:
    @datastar.handler(group="g")
    def save() -> None:
        for prefix in ("from", "to"):
            form = datastar.form(Plain, prefix=prefix)
            form.validate()
            datastar.show_errors(form, only=[f"{prefix}.name"])

    tab = DatastarClient(app, {"from": {"name": ""}, "to": {"name": "Bob"}})

    tab.post(save)
    assert tab.signals["errors"] == {"from": {"name": "This field is required."}, "to": {"name": ""}}
    # Now the page shows that message, and sends it.
    tab.signals |= {"to": {"name": ""}}
    tab.post(save)
    shown = {"from": {"name": "This field is required."}, "to": {"name": "This field is required."}}
    assert {form: {"name": messages["name"]} for form, messages in tab.signals["errors"].items()} == shown
    tab.signals |= {"from": {"name": "Ada"}}
    tab.post(save)
    assert (tab.signals["errors"]["from"]["name"], tab.signals["errors"]["to"]["name"]) == ("", shown["to"]["name"])


def test_a_page_load_does_not_fill_a_form(datastar: Datastar, app: Flask) -> None:
    @app.route("/page", methods=["GET", "POST"])
    def page() -> str:
        form = datastar.form(Plain, data={"name": "Ada"})
        datastar.show_errors(form)
        return render_template_string("{{ form.name }} {{ datastar.init_signals() }}", form=form)

    text = html.unescape(app.test_client().get('/page?datastar={"name":"Eve"}&name=Eve').text)

    assert 'value="Ada"' in text
    assert '"errors":{"_":"","gift":"","name":""}' in text
    # A browser without JavaScript.
    assert 'value="Bob"' in app.test_client().post("/page", data={"name": "Bob"}).text


# Hostile signals


@pytest.mark.parametrize(
    "signals",
    [
        {"name": {"a": 1}, "address": "flat", "tags": {"0": "a"}, "rows": "x", "sizes": {"a": 1}},
        {"name": ["a", "b"], "gift": [], "count": {}, "address": [[["x"]]], "tags": [["a"], {"b": "c"}, None]},
        {"name": "x" * 10_000, "count": 10**300, "price": 1e308, "due": "9" * 5000},
        {"csrf_token": [1], "csrf": {"a": 1}, "name": True},
        {"address": {"x" * 5000: "a", "a b": "c", "street": {"deep": {"er": 1}}}, "rows": [{"a": [{"b": [1]}]}]},
        {"price": "NaN", "count": "1e5", "gift": "false", "terms": 0},
    ],
)
def test_any_signals_are_answered(datastar: Datastar, app: Flask, signals: Any) -> None:
    save = make_handler(datastar, Order, [])

    assert DatastarClient(app, signals).post(save).status_code == 200


@pytest.mark.parametrize(
    "signals", [{"tags": ["a"] * 5000}, {"rows": [{"street": "a"}] * 1200}, {"tags": [["a"] * 9] * 500}]
)
def test_more_values_than_a_form_has_are_refused(datastar: Datastar, app: Flask, signals: Any) -> None:
    save = make_handler(datastar, Order, [])

    answer = DatastarClient(app, signals).post(save)

    assert answer.status_code == 400
    assert "the form gets more than 1000 values; send it fewer signals" in answer.response.text


@pytest.mark.parametrize("what", [None, "Order", Order.__mro__[-1], wtforms.StringField, Datastar])
def test_only_forms_are_made(datastar: Datastar, app: Flask, what: Any) -> None:
    with (
        app.test_request_context(),
        pytest.raises(TypeError, match=r"form\(\) got .*; accepted: a class that is a FlaskFo"),
    ):
        datastar.form(what)


def test_without_wtforms_the_error_says_what_to_install() -> None:
    code = """
import sys
sys.modules["wtforms"] = None
from flask import Flask
from flask_datastar import Datastar
from flask_datastar.errors import SetupError
app = Flask("shop")
datastar = Datastar(app)
with app.test_request_context():
    try:
        datastar.form(object)
    except SetupError as error:
        print(error)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)

    assert result.stdout.strip() == 'forms need WTForms: pip install "Flask-Datastar[wtf]"'


# Tokens


class Small(FlaskForm):  # type: ignore[misc]
    name = wtforms.StringField()


@pytest.fixture
def guarded(make_app: MakeApp) -> DatastarClient:
    """A tab whose page has a form with a token, on an app without CSRFProtect."""
    app = make_app()
    datastar: Datastar = app.extensions["datastar"]
    make_handler(datastar, Small, [])
    app.add_url_rule("/token", view_func=generate_csrf)
    return DatastarClient(app)


@pytest.mark.parametrize("way", ["header", "csrf signal", "csrf_token signal", "form field", "form and header"])
def test_the_token_of_a_form_may_come_in_each_way(guarded: DatastarClient, way: str) -> None:
    token = guarded.client.get("/token").text
    options: dict[str, Any] = {
        "header": {"_headers": {"X-CSRFToken": token}},
        "csrf signal": {"_json": {"csrf": token}},
        "csrf_token signal": {"_json": {"csrf_token": token}},
        "form field": {"_data": {"csrf_token": token}},
        "form and header": {"_data": {"name": "Ada"}, "_headers": {"X-CSRFToken": token}},
    }[way]

    assert guarded.post("save", **options).patched["errors"] == {"_": "", "name": ""}


@pytest.mark.parametrize("is_protected", [False, True])
def test_the_log_says_once_that_a_form_gets_no_token(
    is_protected: bool, make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app()
    if is_protected:
        CSRFProtect(app)
    make_handler(app.extensions["datastar"], Small, [])
    app.add_url_rule("/token", view_func=generate_csrf)
    tab = DatastarClient(app)
    token = tab.client.get("/token").text
    tab.post("save", _json={"csrf": token})
    assert caplog.messages == []

    for _ in range(2):
        tab.post("save")

    text = "the form Small wants a CSRF token, and the request brought none"
    assert [text in message for message in caplog.messages] == ([] if is_protected else [True])


def test_a_missing_token_is_a_message_about_the_form(guarded: DatastarClient) -> None:
    guarded.client.get("/token")

    assert guarded.post("save").patched["errors"] == {"_": "The CSRF token is missing.", "name": ""}
    wrong = guarded.post("save", _json={"csrf": "wrong"}).patched["errors"]
    assert wrong == {"_": "The CSRF token is invalid.", "name": ""}
    # Never from the query, where links could put it.
    assert guarded.post("/ds/g/save?csrf_token=x&csrf=x").patched["errors"]["_"] == "The CSRF token is missing."


def test_with_csrf_protect_the_check_is_done_once(make_app: MakeApp) -> None:
    app = make_app()
    CSRFProtect(app)
    datastar: Datastar = app.extensions["datastar"]
    make_handler(datastar, Small, [])
    app.add_url_rule("/token", view_func=generate_csrf)
    tab = DatastarClient(app)
    token = tab.client.get("/token").text

    answer = tab.post("save", _headers={"X-CSRFToken": token})

    assert answer.patched["errors"] == {"_": "", "name": ""}
    assert tab.post("save").status_code == 400
