"""Signals: those that handlers take, expressions read and inputs are bound to, beside those that pages set."""

from __future__ import annotations

import pytest

from tests.checks.conftest import CheckSite


def site(handler: str, view: str = "", more: str = "") -> str:
    return f"""
@app.get("/")
def page():
    {view or "pass"}
    return render_template("page.html")

{handler}
{more}
"""


TAKES = '@datastar.handler(group="a")\ndef save({mark}count: int = 0): ...'
RIGHT, WRONG = TAKES.format(mark=""), TAKES.format(mark="‸")
BUTTON = "<button data-on:click=\"{{ datastar.post('save') }}\"></button>"


@pytest.mark.parametrize(
    ("view", "page"),
    [
        ('datastar.signal("count", 1)', ""),
        ('datastar.signal("count.of", 1)', ""),
        ('datastar.patch_signals({"count": 1})', ""),
        ('set_all(); helper.unknown = "count"', ""),
        ("datastar.signal(request.args['x'], 1)", ""),
        ("datastar.patch_signals(everything)", ""),
        ("", '<p data-signals="{count: 0}">'),
        ("", "<p data-signals='{{ {\"count\": 0}|js }}'>"),
        ("", '<p data-signals=\'{{ datastar.js({"count": {"of": 0}}) }}\'>'),
        ("", '<p data-signals="{{ signals }}">'),
        ("", '<p data-signals="{{ some }}, {{ more }}">'),
        ("", "<p data-signals='{{ {name: 0}|js }}'>"),
        ("", "<p data-signals='{{ {\"a\": {name: 0}}|js }}'>"),
        ("", '<p data-signals="{{ datastar.init_signals(Model) }}">'),
        ("", "<p data-signals:count=0>"),
        ("", "<input data-bind=count>"),
        ("", "<input data-bind:count>"),
        ("", '<input data-bind="{{ name }}">'),
        ("", "{% for name in ['a', 'count'] %}<input data-bind='{{ name }}'>{% endfor %}"),
        ("", "{% set name = 'count' %}<input data-bind='{{ name }}'>"),
        ("", "<p data-computed:count='1'>"),
        ("", "<p data-ref:count>"),
        ("", '<p data-on:click="$count = 1">'),
        ("", "{{ form.count() }}"),
        ("", "<input {{ attributes }}>"),
        ("", "{% include 'other.html' %}"),
        ("", "{% include name %}"),
        ("", "<button data-on:click=\"{{ datastar.post('save', count=1) }}\">"),
        ("", "<button data-on:click=\"{{ datastar.post('save', **more) }}\">"),
        ("", "<button data-on:click=\"{{ datastar.post('save', _payload={'count': 1}) }}\">"),
        ("", "<button data-on:click=\"{{ datastar.post('save', _content_type='form') }}\">"),
        ("", "<script>import {mergePatch} from 'datastar'; mergePatch({count: 1})</script>"),
    ],
)
def test_signal_is_set_somewhere(view: str, page: str, check_site: CheckSite) -> None:
    more = 'def set_all():\n    for name in ("x",):\n        datastar.signal("count", 1)\nclass helper: ...\n'
    more = more if "set_all" in view else "from flask import request\neverything = {}"

    assert check_site(site(RIGHT, view, more), page=BUTTON + page, other="<p data-signals:count='1'>") == []


@pytest.mark.parametrize(
    ("view", "page"),
    [
        ("", ""),
        ('datastar.signal("counter", 1)', ""),
        ('datastar.assign("count", 1)', ""),
        ("", "<p data-text='$count'>"),
        ("", "<p data-signals='{{ datastar.init_signals() }}'>"),
        ("", "<p data-signals:number='1'>{{ count }} {{ url_for('page') }} {{ count|round }}"),
        ("", "{% for name in ['a', 'b'] %}<input data-bind='{{ name }}'>{% endfor %}"),
        ("", "{% macro input(name) %}<input data-bind='{{ name }}'>{% endmacro %}{{ input('number') }}"),
    ],
)
def test_signal_is_set_nowhere(view: str, page: str, check_site: CheckSite) -> None:
    found = check_site(site(WRONG, view), page=BUTTON + page)

    assert found.places == found.expected, found
    assert "handler a.save takes the signal 'count', which no page with an action for it sets" in found[0]


def test_the_nearest_name_is_named_with_its_place(check_site: CheckSite) -> None:
    found = check_site(site(WRONG), page=f"{BUTTON}\n<p data-signals:cuont='1'>")

    assert found.places == found.expected
    assert "did you mean 'cuont', which is set at templates/page.html:2:4?" in found[0]


def test_pages_of_other_handlers_do_not_count(check_site: CheckSite) -> None:
    other = (
        '@app.get("/other")\ndef other():\n    datastar.signal("count", 1)\n    return render_template("other.html")'
    )

    assert check_site(site(RIGHT, "", other), page=BUTTON, other="x") == []
    found = check_site(site(WRONG), page=BUTTON, other="<p data-signals:count='1'>")
    assert found.places == found.expected


def test_what_only_another_handler_sets_counts(check_site: CheckSite) -> None:
    more = '@datastar.handler(group="a")\ndef start():\n    datastar.signal("count", 1)'

    assert check_site(site(RIGHT, "", more), page=BUTTON) == []
    returned = '@datastar.handler(group="a")\ndef start():\n    return {"count": 1}'
    assert check_site(site(RIGHT, "", returned), page=BUTTON) == []


def test_a_handler_without_a_known_action_is_trusted(check_site: CheckSite) -> None:
    assert check_site(site(RIGHT), page="{{ datastar.post(name) }}") == []


def test_signals_of_models_dicts_and_marks(check_site: CheckSite) -> None:
    found = check_site(
        site(
            """
from dataclasses import dataclass
from typing import Annotated
from flask_datastar import Signal, Signals

@dataclass
class Profile:
    name: str
    ‸birthday: str = ""

@datastar.handler(group="a")
def save(signals: Profile): ...

@datastar.handler(group="a")
def keep(
    signals: Signals,
    other: Annotated[str, Signal("user.name")] = "",
    ‸mail: Annotated[str, Signal("user.mail")] = "",
):
    return signals["name"], signals.get(‸"nickname"), signals[other]
"""
        ),
        page=BUTTON
        + "<i data-on:click=\"{{ datastar.post('keep') }}\" data-signals=\"{name: '', user: {name: ''}}\"></i>",
    )

    assert found.places == found.expected
    assert "the signal 'user.mail'" in found[1]


def test_a_required_parameter_that_one_action_leaves_out(check_site: CheckSite) -> None:
    handler = '@datastar.handler(group="a")\ndef save(count: int, step: int = 1): ...'
    found = check_site(
        site(handler),
        page="""\
        {{ datastar.post('save', count=1, step=2) }}
        {{ datastar.‸put('save', step=1) }}
        """,
    )

    assert found.places == found.expected
    assert "write datastar.put(…, count=…)" in found[0]


def test_an_input_that_nothing_takes(check_site: CheckSite) -> None:
    handler = '@datastar.handler(group="a")\ndef save(text: str = ""):\n    datastar.signal("text", "")'

    found = check_site(
        site(handler, more=handler.replace("save", "start")),
        page=BUTTON + "<input data-bind='‸txt'> <input data-bind='_txt'> <b data-on:click=\"$text = ''\"></b>",
    )

    assert found.places == found.expected
    assert "did you mean 'text'?" in found[0]
    everything = handler.replace("text: str", "signals, text: str")
    page = BUTTON + "<input data-bind='txt'> <b data-on:click=\"$text = ''\"></b>"
    assert check_site(site(everything), page=page) == []


BOOK = '\n@datastar.handler(group="a")\ndef book(): return {}'


@pytest.mark.parametrize(
    "more",
    [
        BOOK.format("datastar.form(Form)"),
        "def read(): return datastar.form(Form)\n" + BOOK.format("read()"),
    ],
)
def test_a_form_of_one_handler_hides_no_wrong_input_of_others(more: str, check_site: CheckSite) -> None:
    handler = '@datastar.handler(group="a")\ndef save(text: str = ""):\n    datastar.signal("text", "")'
    page = BUTTON + "<input data-bind='‸txt'> <b data-on:click=\"$text = ''\"></b>"

    found = check_site(site(handler, more=more), page=page)
    assert found.places == found.expected
    # Beside an action for it, an input may be a field of the form.
    booked = page.replace("‸", "") + BUTTON.replace("save", "book")
    assert check_site(site(handler, more=more), page=booked) == []


def test_a_function_with_a_form_may_belong_to_any_handler_of_its_file(check_site: CheckSite) -> None:
    handler = '@datastar.handler(group="a")\ndef save(text: str = ""):\n    datastar.signal("text", "")'
    page = BUTTON + "<input data-bind='txt'> <b data-on:click=\"$text = ''\"></b>"

    assert check_site(site(handler, more="def read(): return datastar.form(Form)"), page=page) == []


def test_a_signal_of_python_that_nothing_takes(check_site: CheckSite) -> None:
    page = BUTTON + "<p data-signals:count='1' data-text='$count'>"

    found = check_site(site(RIGHT, "datastar.signal(‸'cuont', 1); datastar.signal('other', 1)"), page=page)

    assert found.places == found.expected
    assert "did you mean 'count'?" in found[0]


SHOWS = BUTTON + "<p data-signals:count=1 data-signals=\"{message: ''}\" data-text='$message + $count'></p>"


@pytest.mark.parametrize(
    "line",
    [
        'datastar.signal(‸"mesage", "x")',
        'datastar.signal(‸"massage", "x")',
        'datastar.patch_signals({‸"mesage": "x", "count": 1})',
        'return {‸"mesage": "x"}',
        'with datastar.broadcast("a") as out:\n        out.patch_signals({‸"mesage": 1})',
    ],
)
def test_a_signal_of_a_handler_that_nothing_takes(line: str, check_site: CheckSite) -> None:
    found = check_site(site(f"{RIGHT}\n    {line}".replace(": ...", ":")), page=SHOWS)

    assert found.places == found.expected, found
    assert "is set here, and no handler takes it and no expression reads it; did you mean 'message'?" in found[0]


@pytest.mark.parametrize(
    ("line", "more", "page"),
    [
        # Nothing is like it.
        ('datastar.signal("other", 1)', "", ""),
        (
            'datastar.signal("count2", 1); datastar.signal("column2", 1)',
            "",
            "<p data-signals:column1=1 data-text='$column1'>",
        ),
        # What is patched later reads it, or a script does.
        ('datastar.signal("mesage", 1)', "", "{% block late %}<p data-text='$mesage'>{% endblock %}"),
        ('datastar.signal("mesage", 1); datastar.patch_elements("<p id=a data-text=\'$mesage\'>")', "", "<p id=a>"),
        ('datastar.signal("mesage", 1); datastar.execute_script("console.log($mesage)")', "", ""),
        ('datastar.signal("mesage", 1)', "", "<script>listen('mesage')</script>"),
        ('datastar.signal("mesage", 1)', "", "<p data-on-signal-patch-filter='{include: /^mesage$/}'>"),
        # A dict of another function is none of signals.
        ("texts()", 'def texts():\n    return {"mesage": 1}', ""),
    ],
)
def test_a_signal_of_a_handler_that_something_may_read(line: str, more: str, page: str, check_site: CheckSite) -> None:
    handler = f"{RIGHT}\n    {line}".replace(": ...", ":")

    assert check_site(site(handler, more=more), page=f"{SHOWS}{page}") == []


def test_a_script_of_the_static_folder_may_read_a_signal_of_a_handler(check_site: CheckSite) -> None:
    handler = f'{RIGHT}\n    datastar.signal("mesage", 1)'.replace(": ...", ":")

    assert check_site(site(handler), page=SHOWS, files={"static/own.js": "root.mesage"}) == []


TITLES = """\
@datastar.handler(group="a")
def save(title: str = ""): ...

@datastar.handler(group="a")
def keep({mark}titel: str = ""): ...
"""
KEEP = "<input data-bind=title> <b data-on:click=\"{{ datastar.post('keep') }}\"></b>"


def test_an_assignment_in_an_expression_hides_no_wrong_parameter(check_site: CheckSite) -> None:
    page = f"{BUTTON.replace('count', 'title')} {KEEP} <b data-on:click=\"$titel = 'x'\"></b>"

    found = check_site(site(TITLES.format(mark="‸")), page=page)
    assert found.places == found.expected
    assert "did you mean 'title', which is set at page.html:1:" in found[0].replace("templates/", "")
    # It is a signal of its own where something else knows it, too.
    for more in ("<p data-text='$titel'>", "<p data-signals:titel=''>"):
        assert check_site(site(TITLES.format(mark="")), page=page + more) == []
    one_of_many = TITLES.replace("title", "items").replace("titel", "item").format(mark="")
    page = page.replace("title", "items").replace("titel", "item")
    assert check_site(site(one_of_many), page=page) == []


def test_an_assignment_of_a_signal_that_nothing_takes(check_site: CheckSite) -> None:
    page = SHOWS + "<b data-on:click=\"‸$mesage = ''; $other = 1; $counts = 1; $_open = true\"></b>"

    found = check_site(site(RIGHT), page=page)
    assert found.places == found.expected
    assert "did you mean $message?" in found[0]
    page = page.replace("‸", "")
    for more in ('"mesage"', "\"<p data-text='$mesage'>\""):
        assert check_site(site(RIGHT, more=f"WORDS = {more}"), page=page) == []
    assert check_site(site(RIGHT.replace("count:", "signals, count:")), page=page) == []
    assert check_site(site(RIGHT), page=page + "<p data-show='$mesage'>") == []


def test_a_page_whose_view_is_not_known_is_trusted(check_site: CheckSite) -> None:
    assert check_site(site(RIGHT).replace('"page.html"', 'f"{app}.html"'), page=BUTTON) == []


def test_an_expression_that_reads_what_nothing_sets(check_site: CheckSite) -> None:
    found = check_site(
        site(""),
        page="""\
        <p data-signals="{count: 0, errors: {name: ''}}" data-text="‸$cuont + $count + $other + $errors.name"></p>
        <p data-text="$number"></p> <p data-show="‸$erors.name"></p>
        <p data-show="‸$cuont.length > 20 && $count.length && $other.length && $errors.name.length"></p>
        """,
    )

    assert found.places == found.expected
    assert "did you mean $count?" in found[0]


def test_annotations_that_cannot_be_resolved_are_left_alone(check_site: CheckSite) -> None:
    handler = '@datastar.handler(group="a")\ndef save(count: "Missing" = 0): ...'

    assert check_site(site(handler), page=BUTTON) == []


@pytest.mark.parametrize(
    "view",
    [
        "datastar.patch_signals_raw(text)",
        "datastar.patch_signals({text: 1})",
        "datastar.patch_signals({**text})",
        "return f\"<input data-bind='{text()}'>\"",
        "return \"<input data-bind='count'>\"",
    ],
)
def test_python_that_may_set_any_signal_is_trusted(view: str, check_site: CheckSite) -> None:
    assert check_site(site(RIGHT, view, "text = ''"), page=BUTTON) == []


def test_signals_of_the_operating_system_are_not_those_of_pages(check_site: CheckSite) -> None:
    found = check_site(
        "import signal\n" + site(WRONG, 'signal.signal(signal.SIGTERM, 1); datastar.show_errors("x")'), page=BUTTON
    )

    assert found.places == found.expected


@pytest.mark.parametrize("name", ["count", "other"])
def test_the_page_of_a_view_without_events(name: str, check_site: CheckSite) -> None:
    view = f"""
@datastar.view("/rows", group="rows")
class Rows(StarView):
    template = "page.html"
    def show(self): self.start()
    def start(self): datastar.signal("{name}", 1)
"""
    found = check_site((RIGHT if name == "count" else WRONG) + view, page=BUTTON)

    assert found.places == found.expected


def test_values_of_urls_are_given(check_site: CheckSite) -> None:
    python = """
    bp = Blueprint("shop", __name__, url_prefix="/<lang>")

    @datastar.view("/rows/<int:number>", blueprint=bp, group="rows")
    class Rows(StarView):
        template = "page.html"
        @event
        def save(self, number: int, lang: str): ...

    app.register_blueprint(bp)
    """

    assert check_site(python, page=BUTTON) == []


@pytest.mark.parametrize("html", ["f'<b data-text=\"$isOpen\">{is_open}</b>'", "'<b data-class:a=\"$isOpen\"></b>'"])
def test_html_of_python_reads_what_an_input_is_bound_to(check_site: CheckSite, html: str) -> None:
    handler = (
        '@datastar.handler(group="a")\ndef save(is_open: bool): datastar.patch_elements(HTML, to="log", mode="inner")'
    )
    page = """
        <input data-bind="isOpen"> <p id="log"></p>
        <button data-on:click="{{ datastar.post('save', is_open=True) }}"></button>
        """

    assert check_site(site(handler.replace("HTML", html)), page=page) == []
    assert len(check_site(site(handler.replace("HTML", "'<b>'")), page=page)) == 1
