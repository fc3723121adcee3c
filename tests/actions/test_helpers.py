"""Actions: which handler a target means, its URL below every mount, parameters, options, and the page's helpers."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterator
from datetime import date, datetime
from enum import Enum
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest
from flask import Blueprint, Flask, g, render_template_string, session
from flask.testing import FlaskClient
from flask.views import View
from markupsafe import Markup

from flask_datastar import Datastar
from flask_datastar.errors import SetupError
from flask_datastar.testing import DatastarClient
from tests.conftest import MakeApp

#: What actions carry that do not send the signal with the tab id.
TAB = "headers: {'Datastar-Tab': encodeURIComponent($tabId)}"
VERBS = ["GET", "POST", "PUT", "PATCH", "DELETE", "QUERY"]


def add(datastar: Datastar, group: str | None = None, name: str = "add", **options: Any) -> Any:
    """Declare a handler that does nothing; each call makes another function."""

    def handler() -> None: ...

    handler.__qualname__ = f"handler_{group}_{name}"
    return datastar.handler(group=group, name=name, **options)(handler)


@pytest.fixture(autouse=True)
def page(req_ctx: Any) -> None:
    """All tests here stand in a page's request, unless they push another one."""


@pytest.mark.parametrize("verb", VERBS)
def test_action_of_every_verb(datastar: Datastar, verb: str) -> None:
    handler = add(datastar, "cart", methods=[verb])

    expression = getattr(datastar, verb.lower())(handler)

    assert expression.js == f"@{verb.lower()}('/ds/cart/add')"
    assert expression == Markup(f"@{verb.lower()}(&#39;/ds/cart/add&#39;)")


@pytest.mark.parametrize("quote", ['"', "'"])
def test_action_is_safe_in_an_attribute_with_either_quote(datastar: Datastar, quote: str) -> None:
    add(datastar, "cart")

    html = render_template_string(
        f"<b data-on:click={quote}{{{{ datastar.post('add', text=text, _selector=text) }}}}{quote}>",
        text="'\"<x>; @a(",
    )

    assert html == (
        f"<b data-on:click={quote}@post(&#39;/ds/cart/add?text=%27%22%3Cx%3E%3B%20%40a%28&#39;, "
        f"{{selector: &#39;\\u0027\\u0022\\u003cx\\u003e\\u003b \\u0040a(&#39;}}){quote}>"
    )


def test_target_may_be_a_function(datastar: Datastar) -> None:
    assert datastar.post(add(datastar, "cart")).js == "@post('/ds/cart/add')"


def test_target_may_be_a_module_and_an_event(datastar: Datastar) -> None:
    module = ModuleType("shop.shoppingCart")
    exec("def add(): ...\ndef remove(): ...\ndef remove_late(): ...", module.__dict__)
    datastar.handler(module.add)
    datastar.handler(group="elsewhere")(module.remove)

    assert datastar.post(module, "add").js == "@post('/ds/shop-shopping_cart/add')"
    assert datastar.post(module, "remove").js == "@post('/ds/elsewhere/remove')"
    with pytest.raises(SetupError, match=r"^no handler fits <module 'shop\.shoppingCart'>, 'clear'; declare it with"):
        datastar.post(module, "clear")
    with pytest.raises(SetupError, match=r"^the action names the module 'shop\.shoppingCart' but no event in it; give"):
        datastar.post(module)


@pytest.mark.parametrize("target", [("shop.cart", "add"), ("shop-cart", "add"), ("shop.cart.add",), ("shop-cart.add",)])
def test_target_may_be_a_dotted_name(datastar: Datastar, target: tuple[str, ...]) -> None:
    add(datastar, "shop-cart")
    add(datastar, "other")

    assert datastar.post(*target).js == "@post('/ds/shop-cart/add')"


def test_target_may_be_an_event_that_is_alone_in_the_app(datastar: Datastar) -> None:
    add(datastar, "cart")
    add(datastar, "cart", "remove")

    assert datastar.post("remove").js == "@post('/ds/cart/remove')"


def test_event_of_the_running_views_group_comes_first(app: Flask, datastar: Datastar, client: FlaskClient) -> None:
    add(datastar)
    add(datastar, "other")

    class Page(View):
        def dispatch_request(self) -> str:
            return datastar.post("add").js

    app.add_url_rule("/function", view_func=lambda: datastar.post("add").js, endpoint="function")
    app.add_url_rule("/class", view_func=Page.as_view("class"))

    assert client.get("/function").text == client.get("/class").text == "@post('/ds/tests-actions-test_helpers/add')"


def test_event_of_the_running_handlers_group_comes_first(app: Flask, datastar: Datastar) -> None:
    add(datastar)
    add(datastar, "other")
    blueprint = Blueprint("shop", __name__, url_prefix="/shop")

    def show() -> dict[str, str]:
        return {"action": render_template_string("{{ datastar.post('add').js|safe }}")}

    datastar.handler(group="other", name="show")(show)
    datastar.handler(group="other", name="show_in_blueprint", blueprint=blueprint)(show)
    app.register_blueprint(blueprint)
    tab = DatastarClient(app)

    assert tab.post("other.show").patched == {"action": "@post('/ds/other/add')"}
    assert tab.post("other.show_in_blueprint").patched == {"action": "@post('/ds/other/add')"}


def test_page_without_an_endpoint_has_no_group(app: Flask, datastar: Datastar, client: FlaskClient) -> None:
    add(datastar, "cart")
    app.register_error_handler(404, lambda error: datastar.post("add").js)

    assert client.get("/missing").text == "@post('/ds/cart/add')"


def test_view_without_a_module_has_no_group(app: Flask, datastar: Datastar, client: FlaskClient) -> None:
    add(datastar, "cart")

    def view() -> str:
        return datastar.post("add").js

    view.__module__ = None  # type: ignore[assignment]
    app.add_url_rule("/", view_func=view)

    assert client.get("/").text == "@post('/ds/cart/add')"


def test_ambiguous_event_lists_the_candidates(datastar: Datastar) -> None:
    add(datastar, "cart")
    add(datastar, "list")

    with pytest.raises(
        SetupError,
        match=r"^several handlers fit 'add': cart:add \(tests\.actions\.test_helpers\.handler_cart_add\), list:add",
    ):
        datastar.post("add")


@pytest.mark.parametrize(
    "target", [("no",), ("cart.no",), ("no", "add"), ("cart", "no"), (print,), (5,), (None,), ("",)]
)
def test_unknown_target_lists_what_is_known(datastar: Datastar, target: tuple[Any, ...]) -> None:
    add(datastar, "cart")

    with pytest.raises(
        SetupError,
        match=r"^no handler fits .*; declare it with @datastar\.handler\. Known handlers: cart:add \(tests\.",
    ):
        datastar.post(*target)


def test_unknown_target_in_an_app_without_handlers_says_so(datastar: Datastar) -> None:
    with pytest.raises(SetupError, match=r"Known handlers: none$"):
        datastar.post("add")


def test_unknown_handler_fails_when_the_page_is_rendered(datastar: Datastar) -> None:
    with pytest.raises(SetupError, match="no handler fits 'add'"):
        render_template_string("{{ datastar.post('add') }}")


def test_wrong_verb_says_which_are_right(datastar: Datastar) -> None:
    add(datastar, "cart", methods=["PUT", "PATCH"])

    with pytest.raises(
        SetupError,
        match=r"^handler cart:add \(.*\) does not take GET; it takes PUT, PATCH\. Use that verb, or declare it with "
        r"methods=\['GET'\]$",
    ):
        datastar.get("add")


def test_calling_an_action_explains_the_decorator(datastar: Datastar) -> None:
    add(datastar, "cart")

    with pytest.raises(TypeError, match=r"^@post\('/ds/cart/add'\) is an action for a template, not a decorator; decl"):
        datastar.post("add")(print)


class Size(Enum):
    SMALL = "s&"


@pytest.mark.parametrize(
    ("value", "query"),
    [
        (3, "?v=3"),
        (True, "?v=true"),
        (False, "?v=false"),
        (1.5, "?v=1.5"),
        ("a b&c=d?#/ü", "?v=a%20b%26c%3Dd%3F%23%2F%C3%BC"),
        ("", "?v="),
        (None, ""),
        ([1, None, "x"], "?v=1&v=x"),
        ((), ""),
        (date(2026, 11, 21), "?v=2026-11-21"),
        (datetime(2026, 11, 21, 12, 30), "?v=2026-11-21T12%3A30%3A00"),
        (UUID(int=1), "?v=00000000-0000-0000-0000-000000000001"),
        (Size.SMALL, "?v=s%26"),
        (Markup("<b>"), "?v=%3Cb%3E"),
    ],
)
def test_parameters_travel_in_the_query(datastar: Datastar, value: Any, query: str) -> None:
    add(datastar, "cart")

    assert datastar.post("add", v=value).js == f"@post('/ds/cart/add{query}')"


@pytest.mark.parametrize("value", [{"a": 1}, {1}, b"x"])
def test_parameter_that_no_url_carries_is_refused(datastar: Datastar, value: Any) -> None:
    add(datastar, "cart")

    with pytest.raises(
        SetupError, match=r"^parameter 'v' is \w+, which a URL cannot carry; send it as a signal instead"
    ):
        datastar.post("add", v=value)


def test_expressions_are_filled_in_by_the_browser(datastar: Datastar) -> None:
    add(datastar, "cart")
    expr = datastar.expr

    assert datastar.post("add", id=expr("$id"), n=1, ids=[expr("$a"), 2]).js == (
        "@post('/ds/cart/add?id=' + encodeURIComponent($id) + '&n=1&ids=' + encodeURIComponent($a) + '&ids=2')"
    )


def test_parameter_survives_the_way_to_the_handler(app: Flask, datastar: Datastar) -> None:
    @datastar.handler
    def act(when: date, size: Size, tags: list[str], flag: bool) -> dict[str, Any]:
        return {"got": [when.isoformat(), size.value, tags, flag]}

    answer = DatastarClient(app).post(act, when=date(2026, 11, 21), size=Size.SMALL, tags=["a&b", "ü"], flag=False)

    assert answer.patched == {"got": ["2026-11-21", "s&", ["a&b", "ü"], False]}


@pytest.mark.parametrize("value", [5, None, b"$id"])
def test_expr_takes_javascript_only(datastar: Datastar, value: Any) -> None:
    with pytest.raises(TypeError, match=r"^expr\(\) got \w+; accepted: str of JavaScript\. For a value, use js\(\)$"):
        datastar.expr(value)


@pytest.fixture
def nested(app: Flask, datastar: Datastar) -> Blueprint:
    """A blueprint below ``/<lang>/orders/<int:order>`` with a handler ``g:act``."""
    blueprint = Blueprint("orders", __name__, url_prefix="/<lang>/orders/<int:order>")
    add(datastar, "g", "act", blueprint=blueprint)
    return blueprint


def test_path_values_of_the_blueprint_go_into_the_path(app: Flask, datastar: Datastar, nested: Blueprint) -> None:
    app.register_blueprint(nested)

    assert datastar.post("act", lang="ü", order=7, page=2).js == "@post('/%C3%BC/orders/7/ds/g/act?page=2')"


def test_expressions_may_stand_in_the_path(app: Flask, datastar: Datastar, nested: Blueprint) -> None:
    app.register_blueprint(nested)

    assert datastar.post("act", lang=datastar.expr("$lang"), order=7, page=datastar.expr("$page")).js == (
        "@post('/' + encodeURIComponent($lang) + '/orders/7/ds/g/act?page=' + encodeURIComponent($page))"
    )


def test_expression_may_stand_where_the_path_has_a_number(app: Flask, datastar: Datastar, nested: Blueprint) -> None:
    app.register_blueprint(nested)

    assert datastar.post("act", lang="de", order=datastar.expr("$order")).js == (
        "@post('/de/orders/' + encodeURIComponent($order) + '/ds/g/act')"
    )
    assert datastar.post("act", lang=datastar.expr("$lang"), order=datastar.expr("$order")).js == (
        "@post('/' + encodeURIComponent($lang) + '/orders/' + encodeURIComponent($order) + '/ds/g/act')"
    )


@pytest.mark.parametrize(
    "converter", ["int(fixed_digits=4)", "int(max=5)", "float", "uuid", "path", "string(length=2)"]
)
def test_expression_may_stand_in_every_kind_of_path(app: Flask, datastar: Datastar, converter: str) -> None:
    blueprint = Blueprint("shop", __name__, url_prefix=f"/<{converter}:value>")
    add(datastar, "g", "act", blueprint=blueprint)
    app.register_blueprint(blueprint)

    assert datastar.post("act", value=datastar.expr("$v")).js == "@post('/' + encodeURIComponent($v) + '/ds/g/act')"


def test_expression_in_a_path_of_fixed_words_is_refused(app: Flask, datastar: Datastar) -> None:
    blueprint = Blueprint("shop", __name__, url_prefix="/<any(de, en):lang>")
    add(datastar, "g", "act", blueprint=blueprint)
    app.register_blueprint(blueprint)

    with pytest.raises(SetupError, match="cannot be built from"):
        datastar.post("act", lang=datastar.expr("$lang"))


def test_path_value_that_is_missing_or_unfit_is_named(app: Flask, datastar: Datastar, nested: Blueprint) -> None:
    app.register_blueprint(nested)

    for values in ({"lang": "de"}, {"lang": "de", "order": "x"}):
        with pytest.raises(SetupError, match=r"^the URL of handler g:act \(.*\) cannot be built from \{'lang': 'de'"):
            datastar.post("act", **values)


def test_url_defaults_fill_in_path_values(app: Flask, datastar: Datastar, nested: Blueprint) -> None:
    @nested.url_defaults
    def fill_in(endpoint: str, values: dict[str, Any]) -> None:
        values.setdefault("lang", g.get("lang", "en"))
        values.setdefault("extra", "1")

    app.register_blueprint(nested)

    assert datastar.post("act", order=1, page=2).js == "@post('/en/orders/1/ds/g/act?extra=1&page=2')"


def test_unregistered_blueprints_handler_says_so(datastar: Datastar, nested: Blueprint) -> None:
    with pytest.raises(
        SetupError, match=r"^handler g:act \(.*\) is not reachable in <Flask 'shop'>; register its blueprint 'orders'$"
    ):
        datastar.post("act")


@pytest.mark.parametrize(
    ("options", "written"),
    [
        ({"_content_type": "json"}, "contentType: 'json'"),
        ({"_content_type": "form"}, f"contentType: 'form', {TAB}"),
        ({"_filter_signals": {"include": "^a"}}, f"filterSignals: {{include: '^a'}}, {TAB}"),
        ({"_filter_signals": {"exclude": re.compile("b$")}}, f"filterSignals: {{exclude: 'b$'}}, {TAB}"),
        ({"_headers": {"X-A": "1", "X-B": 2}}, "headers: {'X-A': '1', 'X-B': '2'}"),
        ({"_selector": "#form"}, "selector: '#form'"),
        ({"_open_when_hidden": True}, "openWhenHidden: true"),
        ({"_retry": "never"}, "retry: 'never'"),
        ({"_retry_interval_ms": 500}, "retryInterval: 500"),
        ({"_retry_scaler": 1.5}, "retryScaler: 1.5"),
        ({"_retry_max_wait_ms": 9}, "retryMaxWait: 9"),
        ({"_retry_max_count": math.inf}, "retryMaxCount: Infinity"),
        ({"_request_cancellation": "disabled"}, "requestCancellation: 'disabled'"),
        ({"_payload": {"a": [1, None]}}, f'{TAB}, payload: {{"a":[1,null]}}'),
        ({"_selector": None}, ""),
    ],
)
def test_options_are_the_clients(datastar: Datastar, options: dict[str, Any], written: str) -> None:
    add(datastar, "cart")

    end = f", {{{written}}})" if written else ")"
    assert datastar.post("add", **options).js == f"@post('/ds/cart/add'{end}"


def test_actions_that_do_not_send_the_tab_id_carry_it_in_a_header(datastar: Datastar) -> None:
    add(datastar, "cart")

    def feed() -> None: ...

    datastar.stream(group="cart")(feed)
    expr = datastar.expr

    assert TAB in datastar.post("add", _content_type=expr("$type")).js
    assert TAB in datastar.open_stream("feed", _filter_signals={"include": "^a"}).js
    for without in (datastar.post("add"), datastar.open_stream("feed"), datastar.open_stream("feed", _signals=["a"])):
        assert "Datastar-Tab" not in without.js
    added = datastar.post("add", _content_type="form", _headers={"X-A": "1"}).js
    own = datastar.post("add", _content_type="form", _headers={"datastar-tab": expr("$own")}).js
    computed = datastar.post("add", _content_type="form", _headers=expr("$headers")).js
    assert "headers: {'X-A': '1', 'Datastar-Tab': encodeURIComponent($tabId)}" in added
    assert "headers: {'datastar-tab': $own}" in own
    assert "headers: {'Datastar-Tab': encodeURIComponent($tabId), ...$headers}" in computed


def test_expressions_may_stand_in_options(datastar: Datastar) -> None:
    add(datastar, "cart")
    expr = datastar.expr

    assert datastar.post("add", _headers={"X-A": expr("$a")}, _retry_interval_ms=expr("$ms")).js == (
        "@post('/ds/cart/add', {headers: {'X-A': $a}, retryInterval: $ms})"
    )


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"_retries": 1}, TypeError, "unknown action option _retries; accepted: _content_type, .*_prefix, _module$"),
        ({"_retry": "often"}, ValueError, "action option _retry is 'often'; accepted: auto, error, always, never"),
        ({"_prefix": "en"}, ValueError, "action option _prefix is 'en'; accepted: a path such as '/en', no slash at"),
        ({"_prefix": "/en/"}, ValueError, "action option _prefix is '/en/'"),
        ({"_prefix": 5}, ValueError, "action option _prefix is 5"),
        # Each of these would lead elsewhere than below the mount point of this host.
        ({"_prefix": "//evil.example"}, ValueError, "action option _prefix is '//evil.example'.* of this host"),
        ({"_prefix": "/a//b"}, ValueError, "action option _prefix is"),
        ({"_prefix": "/a/../b"}, ValueError, "action option _prefix is"),
        ({"_prefix": "/%2E%2e"}, ValueError, "action option _prefix is"),
        ({"_prefix": "/."}, ValueError, "action option _prefix is"),
        ({"_prefix": "/a?b"}, ValueError, "action option _prefix is"),
        ({"_prefix": "/a#b"}, ValueError, "action option _prefix is"),
        ({"_prefix": "/\\\\evil.example"}, ValueError, "action option _prefix is"),
        ({"_prefix": "/a\nb"}, ValueError, "action option _prefix is"),
        ({"_prefix": "/%zz"}, ValueError, "action option _prefix is"),
        ({"_headers": {"X": "a\nb"}}, ValueError, "has a line break"),
    ],
)
def test_unfit_option_is_refused(
    datastar: Datastar, options: dict[str, Any], error: type[Exception], text: str
) -> None:
    add(datastar, "cart")

    with pytest.raises(error, match=text):
        datastar.post("add", **options)


def test_prefix_stands_between_mount_and_url(app: Flask, datastar: Datastar, nested: Blueprint) -> None:
    app.register_blueprint(nested)
    add(datastar, "cart")

    assert datastar.post("add", _prefix="/en").js == "@post('/en/ds/cart/add')"
    assert datastar.post("add", _prefix="/a/.b/%C3%A9").js == "@post('/a/.b/%C3%A9/ds/cart/add')"
    with app.test_request_context(base_url="http://localhost/mount"):
        assert datastar.post("add", id=1, _prefix="/en/x").js == "@post('/mount/en/x/ds/cart/add?id=1')"
        assert datastar.post("act", lang=datastar.expr("$l"), order=1, _prefix="/p").js == (
            "@post('/mount/p/' + encodeURIComponent($l) + '/orders/1/ds/g/act')"
        )


def test_prefix_stands_behind_the_host_of_another_subdomain(make_app: MakeApp) -> None:
    datastar = Datastar()
    app = make_app(datastar, SERVER_NAME="shop.example")
    app.subdomain_matching = True
    api = Blueprint("api", __name__, subdomain="api", url_prefix="/<lang>")
    add(datastar, "cart", blueprint=api)
    app.register_blueprint(api)

    with app.test_request_context("/", base_url="http://shop.example/mount"):
        assert datastar.post("add", _prefix="/en", lang=datastar.expr("$l")).js == (
            "@post('http://api.shop.example/mount/en/' + encodeURIComponent($l) + '/ds/cart/add')"
        )


def test_module_is_resolved_in_the_browser(app: Flask, datastar: Datastar) -> None:
    add(datastar, "cart")
    add(datastar, "list")

    assert datastar.post("add", id=3, _module="$_group").js == (
        "@post('/ds/' + encodeURIComponent($_group) + '/add?id=3')"
    )
    with app.test_request_context(base_url="http://localhost/mount"):
        assert datastar.put("add", _module=datastar.expr("$a"), _prefix="/en", _retry="never").js == (
            "@put('/mount/en/ds/' + encodeURIComponent($a) + '/add', {retry: 'never'})"
        )


@pytest.mark.parametrize("target", ["no", "cart.add", print])
def test_module_needs_a_known_event(datastar: Datastar, target: Any) -> None:
    with pytest.raises(SetupError, match=r"^with _module, the target is an event's name; got .*, known events: none$"):
        datastar.post(target, _module="$m")
    add(datastar, "cart")
    with pytest.raises(SetupError, match=r"known events: add$"):
        datastar.post(target, _module="$m")


def test_generator_handlers_are_never_repeated(datastar: Datastar) -> None:
    @datastar.handler(group="g")
    def stream() -> Iterator[None]:
        yield

    assert datastar.post(stream).js == "@post('/ds/g/stream', {retryMaxCount: 0})"
    assert datastar.post(stream, _retry_max_count=2).js == "@post('/ds/g/stream', {retryMaxCount: 2})"


def test_actions_hold_below_script_name(app: Flask, datastar: Datastar) -> None:
    add(datastar, "cart")

    with app.test_request_context("/", base_url="https://shop.example/mount/deep"):
        assert datastar.post("add").js == "@post('/mount/deep/ds/cart/add')"
        assert datastar.js(datastar.post("add")).js == "(@post('/mount/deep/ds/cart/add'))"


def test_two_apps_write_their_own_urls(make_app: MakeApp) -> None:
    datastar = Datastar()
    add(datastar, "cart")
    first, second = make_app(datastar, DATASTAR_URL_PREFIX="/one"), make_app(datastar, APPLICATION_ROOT="/two")

    with first.test_request_context():
        assert datastar.post("add").js == "@post('/one/cart/add')"
    with second.test_request_context():
        assert datastar.post("add").js == "@post('/two/ds/cart/add')"


def test_text_is_the_same_for_everybody(app: Flask, datastar: Datastar) -> None:
    add(datastar, "cart")
    texts = set()
    for user in ("Ada", "Bob"):
        with app.test_request_context(headers={"Cookie": f"user={user}"}):
            session["user"] = user
            texts.add(datastar.post("add", id=1).js)

    assert len(texts) == 1


def test_script_loads_the_client(make_app: MakeApp) -> None:
    for config, html in [
        ({}, 'src="https://cdn.jsdelivr.net/gh/starfederation/datastar@v1.0.4/bundles/datastar.js"'),
        ({"DATASTAR_SCRIPT_URL": "https://a.example/x.js?a=1&b=2"}, 'src="https://a.example/x.js?a=1&amp;b=2"'),
        ({"DATASTAR_SCRIPT_URL": "//a.example/x.js"}, 'src="//a.example/x.js"'),
        ({"DATASTAR_SCRIPT_URL": "/static/x.js"}, 'src="/mount/static/x.js"'),
        (
            {"DATASTAR_SCRIPT_URL": "/x.js", "DATASTAR_SCRIPT_INTEGRITY": "sha256-ab+/="},
            'src="/mount/x.js" integrity="sha256-ab+/=" crossorigin',
        ),
    ]:
        app = make_app(**config)
        with app.test_request_context(base_url="http://localhost/mount"):
            script = render_template_string("{{ datastar.script() }}")
        assert script == f'<script type="module" {html}></script>'


class TestWithoutARequest:
    """Outside of a request: path URLs below APPLICATION_ROOT."""

    @pytest.fixture(autouse=True)
    def page(self) -> None:
        """Push nothing."""

    @pytest.mark.parametrize(("root", "mount"), [("/", ""), ("/mount", "/mount"), ("/mount/", "/mount")])
    def test_urls_are_below_application_root(self, make_app: MakeApp, root: str, mount: str) -> None:
        app = make_app(APPLICATION_ROOT=root, SERVER_NAME="shop.example", DATASTAR_SCRIPT_URL="/x.js")
        datastar: Datastar = app.extensions["datastar"]
        add(datastar, "cart")

        with app.app_context():
            assert datastar.post("add", id=1).js == f"@post('{mount}/ds/cart/add?id=1')"
            assert datastar.post("add", _prefix="/en").js == f"@post('{mount}/en/ds/cart/add')"
            assert datastar.post("add", _module="$m").js == f"@post('{mount}/ds/' + encodeURIComponent($m) + '/add')"
            assert datastar.script() == f'<script type="module" src="{mount}/x.js"></script>'

    def test_path_values_are_filled_in(self, app: Flask, datastar: Datastar, nested: Blueprint) -> None:
        nested.url_defaults(lambda endpoint, values: values.setdefault("lang", "en") and None)
        app.register_blueprint(nested)

        with app.app_context():
            assert datastar.post("act", order=1).js == "@post('/en/orders/1/ds/g/act')"
            with pytest.raises(SetupError, match="cannot be built from"):
                datastar.post("act")

    def test_blueprint_registered_twice_means_the_first(self, app: Flask, datastar: Datastar) -> None:
        blueprint = Blueprint("shop", __name__)
        add(datastar, "g", "act", blueprint=blueprint)
        app.register_blueprint(blueprint, url_prefix="/one")
        app.register_blueprint(blueprint, url_prefix="/two", name="second")

        with app.app_context():
            assert datastar.post("act").js == "@post('/one/ds/g/act')"

    def test_action_outside_of_an_app_is_refused(self, datastar: Datastar) -> None:
        add(datastar, "cart")

        with pytest.raises(SetupError, match="Datastar needs an app context"):
            datastar.post("add")

    def test_module_of_this_test_is_a_target(self, app: Flask, datastar: Datastar) -> None:
        add(datastar)

        with app.app_context():
            assert datastar.post(sys.modules[__name__], "add").js == "@post('/ds/tests-actions-test_helpers/add')"
