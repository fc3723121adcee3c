"""Templates: the names a request set, the parts that ``patch_template`` renders, the page's helpers."""

from __future__ import annotations

from typing import Any

import jinja2
import pytest
from flask import Blueprint, Flask, flash, get_flashed_messages, render_template, render_template_string, session

from flask_datastar import Datastar, Signals
from flask_datastar.testing import DatastarClient
from tests.conftest import MakeApp

LAYOUT = """{% set site = "Shop" %}<html><title>{% block title %}{{ site }}{% endblock %}</title>
{% block content %}<p>layout {{ name }}</p>{% block inner %}<i>inner</i>{% endblock %}{% endblock %}
<footer>{% block footer %}footer{% endblock %}</footer></html>"""

TEMPLATES = {
    "layout.html": LAYOUT,
    "page.html": """{% extends "layout.html" %}{% from "macros.html" import badge %}{% import "macros.html" as m %}
{% set heading = "Hello " ~ name %}
{% block content %}<h1 id="h">{{ heading }}</h1>{{ badge(name) }}{{ m.badge("x") }}{{ super() }}{% endblock %}""",
    "deep.html": """{% extends "page.html" %}{% block inner %}[{{ super() }}{{ site }}]{% endblock %}""",
    "plain.html": """{% from "macros.html" import badge %}{% set total = rows|default([])|length %}
<div>{% block list %}<ul id="l">{% for row in rows %}<li>{{ row }}</li>{% endfor %} {{ total }}</ul>{% endblock %}
{% if show %}{% block hidden %}<b id="b">{{ badge(name) }}{{ total }}</b>{% endblock %}{% endif %}
{% for row in rows %}{% block scoped scoped %}<s>{{ row }}</s>{% endblock %}{% endfor %}
{% filter upper %}{% block shout %}shout{% endblock %}{% endfilter %}
{% block outer %}<u>{% block nested %}nested{% endblock %}</u>{% endblock %}
{{ boom() if name == "late" }}{% block last %}last{% endblock %}</div>""",
    "macros.html": """{% macro badge(text, color="red") %}<span id="s" class="{{ color }}">{{ text }}</span>{%
    endmacro %}{% macro greet() %}Hi {{ name }} {{ g.user }}{% endmacro %}{% set constant = 5 %}{% macro _private() %}{%
    endmacro %}""",
    "broken.html": "{% block a %}{{ 1 / 0 }}{% endblock %}{{ 1 / 0 }}",
    "dynamic.html": "{% extends parent %}{% block title %}dynamic {{ site }}{% endblock %}",
    "flashing.html": """<body>{{ get_flashed_messages() }}{{ user.name }}{% macro late() %}late{% endmacro %}
{% block main %}{% endblock %}{{ 1 / 0 }}""",
    "flashed.html": """{% extends "flashing.html" %}{% macro row(text) %}<li>{{ text }} {{ size }}</li>{% endmacro %}
{% set size = 3 %}{% block main %}{{ row("a") }}{% endblock %}""",
    "whole.html": "<p id='w'>{{ name }} {{ extra }}</p>",
}


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    return make_app(templates=TEMPLATES)


def part(app: Flask, template: str, *, signals: dict[str, Any] | None = None, **options: Any) -> str:
    """Render by ``patch_template`` in a request and give the HTML that was sent."""
    datastar: Datastar = app.extensions["datastar"]

    @datastar.handler(group="g")
    def act() -> None:
        for name, value in (signals or {}).items():
            datastar.assign(name, value)
        # Many of these parts have no id of their own.
        datastar.patch_template(template, **{"to": "place", **options})

    return DatastarClient(app).post(act).html


def test_names_are_visible_in_every_template_of_the_request(app: Flask, datastar: Datastar) -> None:
    with app.test_request_context():
        datastar.signal("count", 1)
        datastar.signal("user.name", "Ada")
        datastar.assign("helper", str.upper)

        assert render_template_string("{{ count }} {{ user.name }} {{ helper('x') }}") == "1 Ada X"
        datastar.signal("count", 2)
        assert render_template_string("{{ count }}") == "2"

    with app.test_request_context():
        assert render_template_string("{{ count }}") == ""


def test_explicit_arguments_win_over_the_names(app: Flask, datastar: Datastar) -> None:
    with app.test_request_context():
        datastar.signal("name", "signal")

        assert render_template("whole.html", name="argument") == "<p id='w'>argument </p>"


@pytest.mark.parametrize("name", ["request", "session", "g", "config", "range", "dict", "url_for", "datastar", "mine"])
def test_names_hide_nothing(app: Flask, datastar: Datastar, name: str) -> None:
    app.jinja_env.globals["mine"] = "global"

    with app.test_request_context():
        before = render_template_string(f"{{{{ {name} }}}}")
        datastar.signal(name, "hidden")

        assert render_template_string(f"{{{{ {name} }}}}") == before


def test_names_of_other_context_processors_win(app: Flask, datastar: Datastar) -> None:
    app.context_processor(lambda: {"theirs": "theirs"})
    blueprint = Blueprint("shop", __name__)
    blueprint.context_processor(lambda: {"shops": "shops"})

    @blueprint.get("/")
    def index() -> str:
        for name in ("theirs", "shops", "own"):
            datastar.assign(name, "hidden" if name != "own" else "own")
        return render_template_string("{{ theirs }} {{ shops }} {{ own }}")

    app.register_blueprint(blueprint)

    assert app.test_client().get("/").text == "theirs shops own"


def test_context_processor_registered_before_init_app_wins_too(datastar: Datastar) -> None:
    app = Flask("shop")
    app.context_processor(lambda: {"theirs": "theirs"})
    datastar.init_app(app)

    with app.test_request_context():
        datastar.signal("theirs", "hidden")
        datastar.signal("own", "own")

        assert render_template_string("{{ theirs }} {{ own }}") == "theirs own"


def test_templates_render_without_a_request(app: Flask) -> None:
    with app.app_context():
        assert render_template("whole.html", name="x") == "<p id='w'>x </p>"


def test_init_signals_gives_what_was_set_for_the_page(app: Flask, datastar: Datastar) -> None:
    with app.test_request_context():
        datastar.signal("user.name", 'O\'Neil "x" </script> @get(a); \\')
        datastar.signal("theme", "dark", only_if_missing=True)
        datastar.assign("secret", 1)

        html = render_template_string('<div data-signals="{{ datastar.init_signals() }}">')

    text = r'{"theme":"dark","user":{"name":"O\u0027Neil \u0022x\u0022 \u003c/script\u003e \u0040get(a)\u003b \u005c"}}'
    assert html == f'<div data-signals="{text.replace(chr(34), "&#34;")}">'


def test_init_signals_is_empty_for_nothing_and_in_replies_to_datastar(app: Flask, datastar: Datastar) -> None:
    with app.app_context():
        assert datastar.init_signals().js == "{}"
    with app.test_request_context():
        assert datastar.init_signals().js == "{}"
    with app.test_request_context(headers={"Datastar-Request": "true"}):
        datastar.signal("count", 1)
        assert datastar.init_signals().js == "{}"


def test_init_signals_names_the_path_of_what_cannot_be_sent(app: Flask, datastar: Datastar) -> None:
    with app.test_request_context():
        datastar.signal("chart.mean", float("nan"))

        with pytest.raises(ValueError, match=r"^'chart\.mean' cannot be sent as JSON"):
            datastar.init_signals()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("it's", '"it\\u0027s"'),
        ({"a": [1, None, True]}, '{"a":[1,null,true]}'),
        ("@get('/x');", '"\\u0040get(\\u0027/x\\u0027)\\u003b"'),
        ("</script><!--", '"\\u003c/script\\u003e\\u003c!--"'),
        ("\\", '"\\u005c"'),
        ("\u2028", '"\\u2028"'),
    ],
)
@pytest.mark.parametrize("quote", ['"', "'"])
def test_js_filter_writes_a_literal_for_either_quote(app: Flask, value: Any, text: str, quote: str) -> None:
    with app.test_request_context():
        html = render_template_string(f"<p data-x={quote}{{{{ value|js }}}}{quote}>", value=value)
        bare = render_template_string("{{ datastar.js(value).js|safe }}", value=value)

    assert html == f"<p data-x={quote}{text.replace(chr(34), '&#34;')}{quote}>"
    assert bare == text


def test_js_filter_refuses_nan(app: Flask) -> None:
    with app.test_request_context(), pytest.raises(ValueError, match="the value cannot be sent as JSON"):
        render_template_string("{{ value|js }}", value=float("nan"))


def test_template_helpers_cannot_send(app: Flask, datastar: Datastar) -> None:
    with app.test_request_context():
        names = {
            name
            for name in ("signal", "assign", "patch_elements", "start", "handler", "init_app", "read_signals")
            if render_template_string(f"{{{{ datastar.{name} is defined }}}}") == "True"
        }
        helpers = render_template_string(
            "{% for name in 'get post put patch delete query js expr script init_signals'.split() %}"
            "{{ datastar[name] is callable }} {% endfor %}"
        )

    assert names == set()
    assert helpers.split() == ["True"] * 10


def test_whole_template_sees_names_and_context(app: Flask) -> None:
    assert part(app, "whole.html", signals={"name": "Ada"}, context={"extra": "<b>"}) == "<p id='w'>Ada &lt;b&gt;</p>"


def test_context_wins_over_the_names_and_is_not_changed(app: Flask) -> None:
    context = {"rows": [1, 2]}

    html = part(app, "plain.html", block="list", signals={"rows": []}, context=context)

    assert html == '<ul id="l"><li>1</li><li>2</li> 2</ul>'
    assert context == {"rows": [1, 2]}


def test_block_of_a_child_has_imports_sets_and_super(app: Flask) -> None:
    assert part(app, "page.html", block="content", signals={"name": "Ada"}) == (
        '<h1 id="h">Hello Ada</h1><span id="s" class="red">Ada</span><span id="s" class="red">x</span>'
        "<p>layout Ada</p><i>inner</i>"
    )


@pytest.mark.parametrize(
    ("template", "block", "html"),
    [
        ("layout.html", "title", "Shop"),
        ("layout.html", "inner", "<i>inner</i>"),
        ("page.html", "title", "Shop"),
        ("page.html", "footer", "footer"),
        ("page.html", "inner", "<i>inner</i>"),
        ("deep.html", "title", "Shop"),
        ("deep.html", "inner", "[<i>inner</i>Shop]"),
        ("plain.html", "shout", "shout"),
        ("plain.html", "outer", "<u>nested</u>"),
        ("plain.html", "nested", "nested"),
        ("plain.html", "last", "last"),
    ],
)
def test_block_is_rendered_as_it_would_appear_in_the_page(app: Flask, template: str, block: str, html: str) -> None:
    assert part(app, template, block=block, signals={"name": "Ada"}) == html


def test_grandchild_block_has_what_its_parents_set(app: Flask) -> None:
    html = part(app, "deep.html", block="content", signals={"name": "Ada"})

    assert html == (
        '<h1 id="h">Hello Ada</h1><span id="s" class="red">Ada</span><span id="s" class="red">x</span>'
        "<p>layout Ada</p>[<i>inner</i>Shop]"
    )


def test_block_of_a_template_with_a_computed_parent(app: Flask) -> None:
    assert part(app, "dynamic.html", block="title", context={"parent": "layout.html"}) == "dynamic Shop"


@pytest.mark.parametrize("show", [True, False])
def test_block_inside_an_if_is_rendered_whatever_the_condition(app: Flask, show: bool) -> None:
    html = part(app, "plain.html", block="hidden", context={"show": show, "name": "Ada", "rows": [1]})

    assert html == '<b id="b"><span id="s" class="red">Ada</span>1</b>'


def test_scoped_block_in_a_loop_is_its_first_turn(app: Flask) -> None:
    assert part(app, "plain.html", block="scoped", context={"rows": ["x", "y"]}) == "<s>x</s>"


def test_what_stands_after_the_block_is_not_rendered(app: Flask) -> None:
    assert part(app, "plain.html", block="nested", context={"name": "late"}) == "nested"


def test_macro_gets_its_arguments_from_the_context(app: Flask) -> None:
    assert part(app, "macros.html", macro="badge", context={"text": "<b>", "color": "blue"}) == (
        '<span id="s" class="blue">&lt;b&gt;</span>'
    )
    assert part(app, "macros.html", macro="badge", context={"text": "x"}) == '<span id="s" class="red">x</span>'


def test_macro_sees_the_names_of_the_request(app: Flask) -> None:
    assert part(app, "macros.html", macro="greet", signals={"name": "Ada"}) == "Hi Ada "


def test_macro_and_block_leave_the_layout_alone(app: Flask, datastar: Datastar) -> None:
    app.secret_key = "for flashed messages"

    @datastar.handler(group="g")
    def act() -> Signals:
        flash("kept")
        datastar.patch_template("flashed.html", macro="row", context={"text": "b"}, to="place")
        datastar.patch_template("flashed.html", block="main", to="place")
        return {"flashed": get_flashed_messages()}

    answer = DatastarClient(app).post(act)

    assert answer.html == "<li>b 3</li>\n<li>a 3</li>"
    assert answer.patched == {"flashed": ["kept"]}


def test_macro_of_the_layout_is_found(app: Flask) -> None:
    html = part(app, "flashed.html", macro="late", signals={"user": {"name": "Ada"}})

    assert html == "late"


def test_macro_gets_nothing_but_the_context_as_arguments(app: Flask, datastar: Datastar) -> None:
    with app.test_request_context(), pytest.raises(TypeError, match="macro 'badge' takes no keyword argument 'size'"):
        datastar.patch_template("macros.html", macro="badge", context={"text": "x", "size": 1})


@pytest.mark.parametrize(
    ("template", "options", "text"),
    [
        (
            "plain.html",
            {"block": "no"},
            r"^template 'plain\.html' has no block 'no'; it has: hidden, last, list, nested, o",
        ),
        (
            "page.html",
            {"block": "no"},
            r"^template 'page\.html' has no block 'no'; it has: content, footer, inner, title$",
        ),
        ("whole.html", {"block": "no"}, r"^template 'whole\.html' has no block 'no'; it has: none$"),
        ("macros.html", {"macro": "no"}, r"^template 'macros\.html' has no macro 'no'$"),
        ("macros.html", {"macro": "constant"}, r"^template 'macros\.html' has no macro 'constant'$"),
        ("macros.html", {"macro": "_private"}, r"^template 'macros\.html' has no macro '_private'$"),
        ("macros.html", {"macro": "__html__"}, r"^template 'macros\.html' has no macro '__html__'$"),
        (
            "page.html",
            {"block": "content", "macro": "m"},
            r"^both block='content' and macro='m' are given; give one of",
        ),
    ],
)
def test_unknown_part_is_named(
    app: Flask, datastar: Datastar, template: str, options: dict[str, str], text: str
) -> None:
    with app.test_request_context(), pytest.raises(ValueError, match=text):
        datastar.patch_template(template, **options)


def test_unknown_template_is_jinjas_error(app: Flask, datastar: Datastar) -> None:
    for options in ({}, {"block": "a"}, {"macro": "a"}):
        with app.test_request_context(), pytest.raises(jinja2.TemplateNotFound, match=r"missing\.html"):
            datastar.patch_template("missing.html", **options)


@pytest.mark.parametrize("block", ["a", None])
def test_error_in_the_template_shows_its_line(app: Flask, datastar: Datastar, block: str | None) -> None:
    with app.test_request_context(), pytest.raises(ZeroDivisionError) as caught:
        datastar.patch_template("broken.html", block=block)

    assert any(entry.frame.code.path == "<template>" or "template" in str(entry.path) for entry in caught.traceback)


def test_options_of_patch_elements_are_taken(app: Flask, datastar: Datastar) -> None:
    @datastar.handler
    def act() -> None:
        datastar.patch_template("layout.html", block="footer", to="foot", mode="inner", event_id="1")

    event = DatastarClient(app).post(act).events[0]

    assert event.arguments == {"selector": "#foot", "mode": "inner", "elements": "footer"}
    assert event.event_id == "1"


def test_two_apps_render_their_own_templates(make_app: MakeApp) -> None:
    datastar = Datastar()
    first = make_app(datastar, templates={"t.html": "{% block a %}first{% endblock %}"})
    second = make_app(datastar, templates={"t.html": "{% block a %}second{% endblock %}"})

    assert part(first, "t.html", block="a") == "first"
    assert part(second, "t.html", block="a") == "second"


def test_session_is_reachable_in_blocks(app: Flask, datastar: Datastar) -> None:
    app.jinja_loader.mapping["s.html"] = "{% block a %}{{ session.user }}{% endblock %}"  # type: ignore[union-attr]

    with app.test_request_context():
        session["user"] = "Ada"
        response = datastar.patch_template("s.html", block="a", to="x", mode="inner")

        assert b"elements Ada" in response.event_queue[0]
