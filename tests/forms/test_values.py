"""Signals as the fields of a form get them: rows, boxes, files, prefixes and names of all sorts."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO
from typing import Any

import pytest
import wtforms
from flask import Flask
from flask_wtf import FlaskForm
from flask_wtf.csrf import generate_csrf
from flask_wtf.file import FileAllowed, FileField, FileRequired, MultipleFileField
from wtforms import validators, widgets

from flask_datastar import Datastar, Signals
from flask_datastar.testing import DatastarClient
from tests.conftest import MakeApp


class Address(wtforms.Form):
    street = wtforms.StringField()
    done = wtforms.BooleanField()


class Rows(wtforms.Form):
    tags = wtforms.FieldList(wtforms.StringField())
    rows = wtforms.FieldList(wtforms.FormField(Address))
    flags = wtforms.FieldList(wtforms.BooleanField())
    matrix = wtforms.FieldList(wtforms.FieldList(wtforms.IntegerField()))
    boxes = wtforms.SelectMultipleField(
        choices=["1", "2", "3"],
        coerce=int,
        widget=widgets.ListWidget(),
        option_widget=widgets.CheckboxInput(),
    )
    radio = wtforms.RadioField(choices=["a", "b"], validators=[validators.Optional()])


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    return make_app(WTF_CSRF_ENABLED=False)


class Fill:
    """Fills a form, and keeps it."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self.forms: list[Any] = []

    def __call__(self, form_class: type, signals: Signals | None = None, **options: Any) -> Any:
        """Return the form that a handler gets, or its answer if there is none."""
        datastar: Datastar = self._app.extensions["datastar"]
        self.forms.clear()
        arguments = options.pop("_arguments", {})
        method = options.pop("_method", "post")

        def save(**_: object) -> None:
            form = datastar.form(form_class, **arguments)
            self.forms.append(form)
            form.validate()
            datastar.show_errors(form)

        datastar.handler(group="g", methods=["GET", "POST", "DELETE"])(save)
        answer = getattr(DatastarClient(self._app, signals), method)("g.save", **options)
        if not self.forms:
            return answer
        self.forms[-1].messages = answer.patched["errors"]
        return self.forms[-1]


@pytest.fixture
def fill(app: Flask) -> Fill:
    return Fill(app)


def test_objects_with_index_keys_fill_lists(fill: Fill) -> None:
    form = fill(
        Rows,
        {
            "tags": {"1": "b", "0": "a"},
            "rows": {"0": {"street": "One", "done": "y"}, "1": {"street": "Two", "done": ""}},
            "flags": {"0": True, "1": False},
            "matrix": {"0": {"0": "1"}, "1": ["2", "3"]},
            "boxes": {"0": "1", "1": "", "2": "3"},
        },
    )

    assert form.data == {
        "tags": ["a", "b"],
        "rows": [{"street": "One", "done": True}, {"street": "Two", "done": False}],
        "flags": [True, False],
        "matrix": [[1], [2, 3]],
        "boxes": [1, 3],
        "radio": None,
    }
    assert form.messages["rows"] == {
        "_": "",
        "0": {"_": "", "street": "", "done": ""},
        "1": {"_": "", "street": "", "done": ""},
    }


@pytest.mark.parametrize(
    ("signals", "path", "text"),
    [
        ({"tags": {"0": "a", "2": "b"}}, "tags", "but the key &#39;1&#39; is missing"),
        ({"rows": {"0": {"street": "a"}, "x": {"street": "b"}}}, "rows", "got the key &#39;x&#39; among them"),
        ({"matrix": [["1"], {"1": "1"}]}, "matrix.1", "but the key &#39;0&#39; is missing"),
        ({"boxes": {"1": "a"}}, "boxes", "but the key &#39;0&#39; is missing"),
    ],
)
def test_gaps_and_other_keys_are_a_400_that_names_the_path(fill: Fill, signals: Signals, path: str, text: str) -> None:
    answer = fill(Rows, signals)

    assert answer.status_code == 400
    assert f"signal &#39;{path}&#39;: expected a list, or an object with the keys 0 to n-1" in answer.response.text
    assert text in answer.response.text


def test_entries_keep_their_places_where_boxes_are_not_ticked(fill: Fill) -> None:
    form = fill(Rows, {"flags": [True, False, True], "rows": [{"done": False}, {"done": True}, None]})

    assert form.flags.data == [True, False, True]
    assert [row["done"] for row in form.rows.data] == [False, True, False]


def test_boxes_and_buttons_have_what_is_picked(fill: Fill) -> None:
    form = fill(Rows, {"boxes": ["", "2", ""], "radio": "b"})
    assert (form.boxes.data, form.radio.data) == ([2], "b")

    assert fill(Rows, {"boxes": ["", "", ""], "radio": ""}).boxes.data == []


# Prefixes and names


class Own(wtforms.Form):
    name = wtforms.StringField(validators=[validators.DataRequired("needed")])
    rows = wtforms.FieldList(wtforms.FormField(Address))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, prefix="buyer", **kwargs)


def test_a_prefix_of_the_class_is_known(fill: Fill) -> None:
    signals = {"buyer": {"name": "Ada", "rows": {"0": {"street": "One"}}}, "name": "outside"}
    form = fill(Own, signals)

    assert (form.name.data, form.rows.data) == ("Ada", [{"street": "One", "done": False}])
    assert form.messages == {
        "buyer": {"_": "", "name": "", "rows": {"_": "", "0": {"_": "", "street": "", "done": ""}}}
    }
    assert fill(Own, {"name": "outside"}).messages["buyer"]["name"] == "needed"
    assert fill(Own, _data={"buyer-name": "Bob"}).name.data == "Bob"
    assert fill(Own, {"buyer": {}}, _arguments={"data": {"name": "before"}}).name.data == "before"


def test_fields_that_a_form_makes_itself_are_known(fill: Fill) -> None:
    class Dynamic(wtforms.Form):
        name = wtforms.StringField()

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)

    class WithMore(wtforms.form.BaseForm):
        def __init__(self, formdata: Any = None, **kwargs: Any) -> None:
            super().__init__({"made": wtforms.StringField(), "many": wtforms.FieldList(wtforms.StringField())})
            self.process(formdata, **kwargs)

    assert fill(Dynamic, {"name": "Ada"}).name.data == "Ada"
    assert fill(WithMore, {"made": "x", "many": {"0": "a"}}).data == {"made": "x", "many": ["a"]}


def test_a_form_is_made_once_where_its_class_says_all(fill: Fill) -> None:
    made: list[object] = []

    class Counted(wtforms.Form):
        name = wtforms.StringField()
        removed = wtforms.StringField()

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            del self.removed
            made.append(self)

    assert fill(Counted, {"name": "Ada"}).name.data == "Ada"
    assert fill(Counted, {"name": "Ada"}, _arguments={"prefix": "a"}).name.data is None
    assert len(made) == 2


def test_names_of_their_own_and_separators_are_known(fill: Fill) -> None:
    class Odd(wtforms.Form):
        mail = wtforms.StringField(name="e-mail", validators=[validators.DataRequired("needed")])
        place = wtforms.FormField(Address, separator="_")
        tags = wtforms.FieldList(wtforms.StringField(), separator="_")

    form = fill(
        Odd,
        {"e": {"mail": "a@b"}, "place_street": "Main", "place_done": "y", "tags_0": "a", "tags_1": "b", "tags_x": 1},
    )

    assert form.data == {"mail": "a@b", "place": {"street": "Main", "done": True}, "tags": ["a", "b"]}
    assert form.messages["e"]["mail"] == ""
    assert fill(Odd, {"e": {"mail": ""}}).messages["e"] == {"mail": "needed"}


def test_fields_with_a_way_of_their_own_get_what_is_below_their_names(fill: Fill) -> None:
    class DayField(wtforms.Field):
        def process(self, formdata: Any, *args: Any, **kwargs: Any) -> None:
            super().process(formdata, *args, **kwargs)
            self.data = "-".join(formdata.get(f"{self.name}-{part}", "?") for part in ("year", "month"))

    class WithDay(wtforms.Form):
        day = DayField()
        inner = wtforms.FormField(lambda **options: Address(**options))

    form = fill(WithDay, {"day": {"year": 2026, "month": "11", "a b": 1}, "inner": {"street": "Main"}})

    assert (form.day.data, form.inner.street.data) == ("2026-11", "Main")


def test_the_token_of_a_form_with_a_prefix_may_be_its_signal(make_app: MakeApp) -> None:
    class Guarded(FlaskForm):  # type: ignore[misc]
        name = wtforms.StringField()

    app = make_app()
    datastar: Datastar = app.extensions["datastar"]
    app.add_url_rule("/token", view_func=generate_csrf)

    @datastar.handler(group="g")
    def save() -> Signals:
        return {"saved": datastar.form(Guarded, prefix="own").validate()}

    tab = DatastarClient(app)
    token = tab.client.get("/token").text

    assert tab.post("g.save", _json={"own": {"name": "Ada", "csrf_token": token}}).patched == {"saved": True}
    assert tab.post("g.save", _json={"own": {"name": "Ada", "csrf_token": "x"}}).patched == {"saved": False}


# Files


class Upload(FlaskForm):  # type: ignore[misc]
    file = FileField(validators=[FileRequired("needed"), FileAllowed(["txt"], "a text")])
    files = MultipleFileField()
    plain = wtforms.FileField()
    title = wtforms.StringField(validators=[validators.Length(max=5)])


def as_signal(name: str, content: bytes) -> dict[str, str]:
    return {"name": name, "contents": b64encode(content).decode(), "mime": "text/plain"}


def test_file_inputs_as_signals_are_files(fill: Fill) -> None:
    both = [as_signal("a.txt", b"A"), as_signal("b.txt", b"B")]
    form = fill(Upload, {"file": [as_signal("n.txt", b"abc\xff")], "files": both, "plain": [as_signal("p", b"")]})

    assert form.messages["file"] == ""
    assert (form.file.data.filename, form.file.data.mimetype, form.file.data.read()) == (
        "n.txt",
        "text/plain",
        b"abc\xff",
    )
    assert [file.read() for file in form.files.data] == [b"A", b"B"]
    assert form.plain.data.filename == "p"
    assert fill(Upload, {"file": [as_signal("n.exe", b"abc")]}).messages["file"] == "a text"
    for nothing in ({}, {"file": []}, {"file": ""}, {"file": None}):
        assert fill(Upload, nothing).messages["file"] == "needed"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (["x"], "got str"),
        ([{"name": "a", "contents": "YQ=="}], "got one without a name, contents or mime"),
        ([{"name": "a", "contents": 1, "mime": "b"}], "got one without a name, contents or mime"),
        ([{"name": "a", "contents": "!", "mime": "b"}], "got contents that are not base64"),
        ([{"name": "a", "contents": "é", "mime": "b"}], "got contents that are not base64"),
        ({"0": [], "2": []}, "expected a list, or an object with the keys 0 to n-1"),
    ],
)
def test_other_values_of_file_inputs_are_a_400(fill: Fill, value: object, text: str) -> None:
    answer = fill(Upload, {"file": value})

    assert answer.status_code == 400
    assert f"signal &#39;file&#39;: expected files as data-bind makes them, {text}" in answer.response.text


def test_only_file_inputs_get_files(fill: Fill) -> None:
    form = fill(Upload, {"title": [as_signal("n.txt", b"abc")], "file": [as_signal("n.txt", b"abc")]})

    assert form.messages["title"] == ""
    assert form.title.data is None or isinstance(form.title.data, str)


# Form posts


def test_the_fields_of_a_get_are_in_its_query(fill: Fill) -> None:
    for method in ("get", "delete"):
        form = fill(
            Address,
            _method=method,
            street="Main",
            done="y",
            _headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        assert form.data == {"street": "Main", "done": True}


def test_parts_without_a_name_are_left_out(fill: Fill) -> None:
    body = (
        b"--b\r\nContent-Disposition: form-data\r\n\r\nnobody\r\n"
        b'--b\r\nContent-Disposition: form-data; filename="a.txt"\r\n\r\nfile\r\n'
        b'--b\r\nContent-Disposition: form-data; name="tags-0"\r\n\r\na\r\n--b--\r\n'
    )
    form = fill(Rows, _data=body, _content_type="multipart/form-data; boundary=b")

    assert form.tags.data == ["a"]


def test_a_malformed_form_post_is_a_400(app: Flask, datastar: Datastar) -> None:
    class Broken(BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError("Invalid chunk header")

        readline = readinto = read  # type: ignore[assignment]

    @datastar.handler(group="g")
    def save() -> None:
        datastar.form(Rows)

    response = app.test_client().post(
        "/ds/g/save",
        headers={"Datastar-Request": "true"},
        content_type="application/x-www-form-urlencoded",
        environ_overrides={"wsgi.input_terminated": True, "wsgi.input": Broken()},
    )

    assert response.status_code == 400
    assert "the body cannot be read: Invalid chunk header" in response.text


def test_files_of_a_form_post_are_left_to_the_form(fill: Fill) -> None:
    form = fill(Upload, _data={"file": (BytesIO(b"abc"), "n.txt"), "title": "T"})

    assert (form.file.data.filename, form.title.data) == ("n.txt", "T")
