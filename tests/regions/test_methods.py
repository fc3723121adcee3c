"""Regions in pages and in streams, without a database."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from flask import Flask, current_app, g, has_request_context, render_template_string, request, session, url_for
from werkzeug.local import LocalProxy

from flask_datastar import Datastar
from flask_datastar.errors import SetupError
from flask_datastar.hooks import region_rendered
from flask_datastar.regions.process import live_regions_of
from flask_datastar.regions.region import Region
from flask_datastar.state.app import app_state_of
from flask_datastar.testing.waiting import wait_until
from tests.conftest import MakeApp
from tests.support.streams import Connect, hub_for


@pytest.fixture
def items(app: Flask, datastar: Datastar) -> dict[str, list[str]]:
    """Lists by name, with a region that shows one of them."""
    items: dict[str, list[str]] = {"a": ["one"], "b": []}

    @datastar.region(group="shop")
    def list_of(name: str) -> str:
        return render_template_string(
            '<ul id="list-{{ name }}">{% for item in items %}<li>{{ item }}</li>{% endfor %}</ul>',
            name=name,
            items=items[name],
        )

    @app.get("/<name>")
    def page(name: str) -> str:
        return render_template_string("<main>{{ shown }}</main>", shown=list_of(name))

    @datastar.stream(group="shop")
    def feed(name: str) -> Any:
        return datastar.follow(list_of(name))

    app.extensions["list_of"] = list_of
    return items


def region_of(app: Flask) -> Region:
    found: Region = app.extensions["list_of"]
    return found


def wait_idle(app: Flask) -> None:
    views = live_regions_of(app_state_of(app)).views
    wait_until(lambda: not views.unsettled())


Items = dict[str, list[str]]


def test_a_page_shows_a_region(app: Flask, items: Items) -> None:
    assert app.test_client().get("/a").text == '<main><ul id="list-a"><li>one</li></ul></main>'


def test_a_stream_gets_the_state_then_each_change(app: Flask, items: Items, connect: Connect) -> None:
    one, other, of_b = connect("/ds/shop/feed?name=a"), connect("/ds/shop/feed?name=a"), connect("/ds/shop/feed?name=b")
    one.wait("<li>one</li>")
    other.wait("<li>one</li>")
    of_b.wait('id="list-b"')

    items["a"].append("<two>")
    with app.app_context():
        region_of(app).changed(name="a")
    one.wait("<li>&lt;two&gt;</li>")
    other.wait("<li>&lt;two&gt;</li>")
    wait_idle(app)

    assert b"two" not in of_b.received
    stats = live_regions_of(app_state_of(app)).stats()
    assert (stats["views"], stats["failures"]) == (2, 0)
    # A stream that comes after the first rendering has started does not trust its result.
    assert 3 <= stats["renders"] <= 4


def test_each_rendering_is_told(
    app: Flask, datastar: Datastar, items: Items, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[dict[str, Any]] = []

    def note(sender: Flask, **details: Any) -> None:
        told.append(details)

    app.logger.setLevel("DEBUG")
    with region_rendered.connected_to(note, app):
        connection = connect("/ds/shop/feed?name=a")
        connection.wait("one")
        with app.app_context():
            region_of(app).changed()
        wait_idle(app)

    assert [(one["region"], one["arguments"], one["reason"], one["viewers"], one["has_changed"]) for one in told] == [
        ("shop:list_of", {"name": "'a'"}, "first time", 1, True),
        ("shop:list_of", {"name": "'a'"}, "changed()", 1, False),
    ]
    assert "region shop:list_of(name='a') was rendered: changed(); " in caplog.text
    with app.app_context():
        stats = datastar.stats()["regions"]
    assert stats.pop("render_seconds") > 0
    assert stats == {"views": 1, "viewers": 1, "renders": 2, "unchanged": 1, "failures": 0}


def test_nothing_is_left_when_all_have_left(app: Flask, items: Items, connect: Connect) -> None:
    connection = connect("/ds/shop/feed?name=a").wait_open()
    connection.wait("one")
    connection.close()

    assert live_regions_of(app_state_of(app)).stats()["views"] == 0
    assert hub_for(app).topics.is_empty


def test_topics_render_a_view(app: Flask, datastar: Datastar, connect: Connect) -> None:
    numbers = {"a": 1, "b": 1}

    @datastar.region(group="shop", topics=lambda name: f"number:{name}", at_most_every=0)
    def number(name: str) -> str:
        return f'<p id="number-{name}">{numbers[name]}</p>'

    @datastar.stream(group="shop")
    def feed() -> Any:
        return datastar.follow(number("a"), number("b"))

    connection = connect("/ds/shop/feed")
    connection.wait('id="number-a">1<', 'id="number-b">1<')
    numbers.update(a=2, b=2)
    with app.app_context():
        datastar.publish("number:a")
    connection.wait('id="number-a">2<')
    wait_idle(app)

    assert b'id="number-b">2<' not in connection.received


# Arguments


class Person:
    id = 7


@pytest.fixture
def typed(datastar: Datastar) -> Region:
    def typed(number: int, key: UUID | None = None, names: list[str] = [], rest=None) -> str:  # type: ignore[no-untyped-def]  # noqa: B006
        return ""

    return datastar.region(typed)


def test_equal_arguments_give_equal_views(typed: Region) -> None:
    key = UUID(int=3)

    assert typed(3) == typed("3") == typed(number=3) == typed(3, None, [], None)
    assert typed(3, key) == typed("3", key=str(key))
    assert typed(3, names=("a", "b")) == typed(3, names=["a", "b"])
    assert typed(3) != typed(4)
    assert hash(typed(3)) == hash(typed("3"))
    assert len({typed(3), typed("3"), typed(4)}) == 2


def test_proxies_are_resolved_at_the_call(app: Flask, typed: Region) -> None:
    with app.test_request_context("/"):
        g.number = 3
        view = typed(LocalProxy(lambda: g.number))

    assert view == typed(3)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda region: region(), "missing a required argument: 'number'; its parameters: number, key, names, rest"),
        (lambda region: region(3, board=4), "unexpected keyword argument 'board'"),
        (lambda region: region("x"), "argument 'number' is 'x': expected a whole number"),
        (lambda region: region(None), "argument 'number' is None: missing"),
        (lambda region: region(3, rest=Person()), "argument 'rest' is Person: .* pass the object's id"),
        (lambda region: region.changed(board=4), "has no parameter 'board'; its parameters: number, key, names, rest"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(typed: Region, call: Callable[[Region], object], error: str) -> None:
    with pytest.raises((TypeError, ValueError), match=error):
        call(typed)


def test_a_view_runs_nothing_but_in_html(app: Flask, datastar: Datastar) -> None:
    calls = []

    @datastar.region
    def counted(number: int) -> str:
        calls.append(number)
        return '<p id="x"></p>'

    view = counted(3)
    texts = repr(view), str(view), f"{view}"

    assert set(texts) == {f"{counted.key}(number=3)"}
    assert calls == []


# Without a request


LEAKS = [
    "{{ request.args }}",
    "{{ request }}",
    "{% if request %}x{% endif %}",
    "{% if request.args %}x{% endif %}",
    "{{ session['cart'] }}",
    "{{ session.cart }}",
    "{% if session %}x{% endif %}",
    "{% if 'cart' in session %}x{% endif %}",
    "{{ session|length }}",
    "{% for key in session %}x{% endfor %}",
    "{{ current_user.email }}",
    "{% if current_user %}x{% endif %}",
    "{% if current_user.is_authenticated %}x{% endif %}",
    "{% if current_user == 3 %}x{% endif %}",
    "{{ current_user }}",
    "{{ current_user|string }}",
    "{{ g.user }}",
    "{% if g.user %}x{% endif %}",
    "{{ g['user'] }}",
    "{{ g.get('user') }}",
    "{{ csrf_token() }}",
    "{{ csrf_token }}",
    "{% set user = current_user %}{{ user.name }}",
    "{% macro show() %}{{ current_user.name }}{% endmacro %}{{ show() }}",
    "{{ get_flashed_messages() }}",
    "{{ nav }}",
    "{% if nav == 'home' %}x{% endif %}",
]


@pytest.fixture
def leaking(make_app: MakeApp) -> Callable[[str], Flask]:
    def make(template: str) -> Flask:
        datastar = Datastar()
        app = make_app(datastar)
        app.jinja_env.globals["csrf_token"] = lambda: "secret"

        @app.before_request
        def load() -> None:
            g.user = "secret"
            session["cart"] = "secret"

        @app.context_processor
        def user() -> dict[str, Any]:
            return {"current_user": "secret"}

        @app.context_processor
        def navigation() -> dict[str, Any]:
            return {"nav": request.args.get("nav", "home"), "title": "secret"}

        @app.context_processor
        def constant() -> dict[str, Any]:
            return {"shop": "Corner shop"}

        @datastar.region(group="shop")
        def part() -> str:
            return render_template_string(f'<p id="part">{template}</p>')

        @app.get("/")
        def page() -> str:
            return render_template_string("{{ part }} {{ g.user }} {{ session.cart }} {{ nav }}", part=part())

        @datastar.stream(group="shop")
        def feed() -> Any:
            return datastar.follow(part())

        return app

    return make


@pytest.mark.parametrize("template", LEAKS)
def test_what_belongs_to_a_request_fails_by_name_in_a_page(leaking: Callable[[str], Flask], template: str) -> None:
    app = leaking(template)

    with pytest.raises(SetupError, match=r"region shop:part\(\) uses .*; give it as an argument"):
        app.test_client().get("/?nav=secret")


@pytest.mark.parametrize("template", LEAKS)
def test_what_belongs_to_a_request_fails_in_a_stream(
    leaking: Callable[[str], Flask], template: str, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    app = leaking(template)
    connection = connect("/ds/shop/feed", app=app).wait_open()
    connection.close()

    assert b"secret" not in connection.received
    assert "SetupError: region shop:part() uses" in caplog.text


def test_what_belongs_to_the_app_is_there(leaking: Callable[[str], Flask]) -> None:
    app = leaking("{{ shop }} {{ config.TESTING }} {{ datastar.js(1) }}")

    text = app.test_client().get("/").text
    assert text == '<p id="part">Corner shop True 1</p> secret secret home'


def test_names_that_the_region_gives_win(leaking: Callable[[str], Flask]) -> None:
    app = leaking("{% set nav = 'own' %}{{ nav }}")

    assert '<p id="part">own</p>' in app.test_client().get("/").text


def test_python_code_has_no_request(app: Flask, datastar: Datastar) -> None:
    seen: list[object] = []

    @datastar.region(group="shop")
    def part() -> str:
        seen.extend([has_request_context(), "user" in g])
        g.own = "own"
        return render_template_string('<p id="part">{{ g.own }}</p>')

    @app.get("/")
    def page() -> str:
        g.user = "secret"
        html = part().__html__()
        return f"{html} {g.user} {'own' in g}"

    assert app.test_client().get("/").text == '<p id="part">own</p> secret False'
    assert seen == [False, False]


@pytest.mark.parametrize("use", [lambda: request.args, lambda: session["cart"], lambda: session.get("cart")])
def test_python_code_that_needs_a_request_fails_by_name(
    app: Flask, datastar: Datastar, use: Callable[[], object]
) -> None:
    @datastar.region(group="shop")
    def part() -> str:
        return f'<p id="part">{use()}</p>'

    with (
        app.test_request_context("/?secret"),
        pytest.raises(SetupError, match=r"region shop:part\(\) uses the request"),
    ):
        part().__html__()


def test_another_error_names_the_region(app: Flask, datastar: Datastar) -> None:
    @datastar.region(group="shop")
    def part() -> str:
        raise ZeroDivisionError

    with app.test_request_context("/"), pytest.raises(ZeroDivisionError) as raised:
        part().__html__()

    assert raised.value.__notes__ == ["in region shop:part()"]


@pytest.mark.parametrize("mount", ["", "/mnt"])
def test_urls_are_paths_below_the_mount(app: Flask, datastar: Datastar, connect: Connect, mount: str) -> None:
    @app.get("/cards/<int:number>")
    def card(number: int) -> str:
        return ""

    @datastar.handler(group="shop")
    def add() -> None: ...

    @datastar.handler(group="other", name="add")
    def add_elsewhere() -> None: ...

    @datastar.region(group="shop")
    def part() -> str:
        urls = url_for("card", number=3), url_for("card", number=3, _external=True), datastar.post("add")
        return '<p id="part" data-a="{}" data-b="{}" data-c="{}"></p>'.format(*urls)

    @app.get("/")
    def page() -> str:
        return part().__html__()

    @datastar.stream(group="shop")
    def feed() -> Any:
        return datastar.follow(part())

    expected = f'data-a="{mount}/cards/3" data-b="{mount}/cards/3" data-c="@post(\'{mount}/ds/shop/add?_k=\''
    shown = app.test_client().get("/", base_url=f"http://localhost{mount}").text
    connection = connect("/ds/shop/feed", SCRIPT_NAME=mount)
    connection.wait("part")

    assert expected in shown.replace("&#39;", "'")
    assert expected in connection.received.decode().replace("&#39;", "'")


# The HTML of a region, and its place in a page


@pytest.mark.parametrize(
    ("html", "reason"),
    [
        (None, "returned None"),
        ("text", "the text 'text' is outside of an element"),
        ("<p>x</p>", "the element <p> has no id"),
        ('<p id="a"></p><p id="b"></p>', "followed by another one"),
        ({"count": 3}, "elements is dict"),
    ],
)
def test_a_region_is_one_element_with_an_id(app: Flask, datastar: Datastar, html: Any, reason: str) -> None:
    @datastar.region
    def part() -> Any:
        return html

    with app.test_request_context("/"), pytest.raises(SetupError, match=reason):
        part().__html__()


@pytest.fixture
def nested(app: Flask, datastar: Datastar) -> dict[str, Any]:
    """A column with cards; both are regions."""
    state: dict[str, Any] = {"cards": [1, 2], "title": "cards", "depth": 0}

    @datastar.region(group="shop", at_most_every=0)
    def card(number: int) -> str:
        return f'<li id="card-{number}">{number}</li>'

    @datastar.region(group="shop", at_most_every=0)
    def column() -> str:
        return render_template_string(
            '<ul id="column">{{ title }}{% for n in cards %}{{ datastar.show("card", number=n) }}{% endfor %}</ul>',
            **state,
        )

    @app.get("/")
    def page() -> str:
        return render_template_string("{{ datastar.show('shop.column') }}")

    @datastar.stream(group="shop")
    def feed() -> Any:
        return datastar.follow(column())

    app.extensions.update(card=card, column=column)
    return state


NESTED = '<ul id="column">cards<li id="card-1">1</li><li id="card-2">2</li></ul>'


def test_regions_hold_regions(app: Flask, nested: dict[str, Any], connect: Connect) -> None:
    assert app.test_client().get("/").text == NESTED

    connection = connect("/ds/shop/feed")
    connection.wait(NESTED)
    nested["cards"].append(3)
    with app.app_context():
        app.extensions["column"].changed()
    connection.wait('<li id="card-3">3</li></ul>')

    assert live_regions_of(app_state_of(app)).stats()["views"] == 4


def test_a_view_stands_once(app: Flask, nested: dict[str, Any]) -> None:
    nested["cards"] = [1, 1]

    with pytest.raises(SetupError, match=r"region shop:card\(number=1\) is on this page twice"):
        app.test_client().get("/")


def test_different_arguments_have_different_ids(app: Flask, datastar: Datastar) -> None:
    @datastar.region(group="shop")
    def part(number: int) -> str:
        return '<p id="part"></p>'

    @app.get("/")
    def page() -> str:
        return render_template_string("{{ one }}{{ other }}", one=part(1), other=part(2))

    with pytest.raises(
        SetupError,
        match=r"id of region shop:part\(number=2\) is 'part': region shop:part\(number=1\) on this page has it",
    ):
        app.test_client().get("/")


def test_a_region_that_shows_itself_is_refused(app: Flask, datastar: Datastar) -> None:
    @datastar.region(group="shop")
    def part() -> str:
        return f'<p id="part">{part().__html__()}</p>'

    with app.test_request_context("/"), pytest.raises(SetupError, match="shows itself"):
        part().__html__()


# Declarations


def test_a_function_declared_again_replaces_itself(datastar: Datastar) -> None:
    def declare() -> Region:
        @datastar.region(group="shop")
        def part() -> str:
            return ""

        return part

    assert declare().key == declare().key == "shop:part"


def test_another_function_of_that_name_is_refused(datastar: Datastar) -> None:
    datastar.region(group="shop", name="part")(lambda: "")

    def part() -> str:
        return ""

    with pytest.raises(SetupError, match="the name shop:part is taken"):
        datastar.region(group="shop")(part)


def plain() -> str:
    return ""


def variadic(*names: str) -> str:
    return ""


class Shop:
    def part(self) -> str:
        return ""


@pytest.mark.parametrize(
    ("declare", "error"),
    [
        (lambda datastar: datastar.region("cards"), "decorates a function, not 'cards'"),
        (lambda datastar: datastar.region(Shop.part), "is a method"),
        (lambda datastar: datastar.region(variadic), "cannot be passed by name"),
        (lambda datastar: datastar.region(name="a.b")(plain), "name is 'a.b'; accepted: letters"),
        (lambda datastar: datastar.region(at_most_every=-1)(plain), "at_most_every is -1"),
        (lambda datastar: datastar.region(compress="no")(plain), "compress is 'no'"),
        (lambda datastar: datastar.region(topics=3)(plain), "topics is 3"),
        (lambda datastar: datastar.region(topics=[""])(plain), "topics is"),
    ],
)
def test_declarations_that_cannot_work_are_refused(
    datastar: Datastar, declare: Callable[[Datastar], object], error: str
) -> None:
    with pytest.raises(SetupError, match=error):
        declare(datastar)


def test_a_generator_is_refused(datastar: Datastar) -> None:
    with pytest.raises(SetupError, match="is a generator"):

        @datastar.region
        def part() -> Any:
            yield ""


def test_a_bare_name_is_looked_for_around_the_view_first(app: Flask, datastar: Datastar) -> None:
    def part() -> str:
        return '<p id="part">own</p>'

    datastar.region(part)
    datastar.region(group="elsewhere", name="part")(lambda: '<p id="part">elsewhere</p>')

    @app.get("/")
    def page() -> str:
        return render_template_string("{{ datastar.show('part') }} {{ datastar.show('elsewhere.part') is string }}")

    assert app.test_client().get("/").text == '<p id="part">own</p> False'
    with app.app_context(), pytest.raises(SetupError, match="the target is 'part': several regions fit"):
        datastar.show("part")


def test_targets_are_those_of_actions(app: Flask, datastar: Datastar) -> None:
    region = datastar.region(plain)
    view = region()
    targets = [
        (region,),
        (plain,),
        (sys.modules[__name__], "plain"),
        (__name__, "plain"),
        (f"{__name__}.plain",),
        (view,),
    ]

    with app.app_context():
        assert [datastar.show(*target) for target in targets] == [view] * len(targets)


def test_a_page_renders_for_itself_and_raises_although_streams_have_html(
    app: Flask, items: Items, connect: Connect
) -> None:
    connection = connect("/ds/shop/feed?name=a")
    connection.wait("<li>one</li>")
    items["a"].append("two")

    assert "<li>two</li>" in app.test_client().get("/a").text
    assert b"two" not in connection.received
    del items["a"]
    with pytest.raises(KeyError):
        app.test_client().get("/a")


def test_unknown_targets_are_refused(app: Flask, datastar: Datastar, nested: dict[str, Any]) -> None:
    with app.app_context():
        with pytest.raises(
            SetupError, match=r"the target is 'cards': no region fits; .* Known regions: shop:card, shop:column"
        ):
            datastar.show("cards")
        with pytest.raises(TypeError, match="has its arguments already"):
            datastar.show(app.extensions["card"](1), number=2)


def test_a_region_without_a_call_is_refused_where_a_view_belongs(app: Flask, datastar: Datastar, items: Items) -> None:
    list_of = region_of(app)

    @app.get("/")
    def forgetful_page() -> str:
        return render_template_string("<main>{{ list_of }}</main>", list_of=list_of)

    text = r"region shop:list_of is used without a call; .* list_of\(name=…\)"
    with pytest.raises(SetupError, match=text):
        app.test_client().get("/")
    with app.test_request_context("/"):
        with pytest.raises(SetupError, match=text):
            datastar.follow(list_of)
        with pytest.raises(SetupError, match=text):
            datastar.patch_elements(list_of)


def test_arguments_of_a_region_are_shown_by_name(app: Flask, datastar: Datastar, items: Items) -> None:
    targets: list[tuple[Any, Any]] = [(region_of(app), 3), (region_of(app), "a"), ("list_of", 3)]
    with app.app_context():
        for target, argument in targets:
            with pytest.raises(TypeError, match=r"show\(.*\) gets .*; give a region's arguments by name"):
                datastar.show(target, argument)
        assert datastar.show("list_of", name="a") == region_of(app)("a")


def test_two_apps_share_nothing(make_app: MakeApp) -> None:
    datastar = Datastar()
    first, second = make_app(datastar), make_app(datastar)

    @datastar.region(group="shop")
    def part() -> str:
        return f'<p id="part">{id(current_app._get_current_object())}</p>'  # type: ignore[attr-defined]

    for app in (first, second):
        with app.test_request_context("/"):
            assert str(id(app)) in part().__html__()
    assert live_regions_of(app_state_of(first)) is not live_regions_of(app_state_of(second))
