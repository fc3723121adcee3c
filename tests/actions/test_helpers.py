"""Actions, their options, and the page's helpers."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator
from typing import Any

import pytest
from flask import Blueprint, Flask, render_template, render_template_string, session
from jinja2 import DictLoader
from markupsafe import Markup

from flask_datastar import Datastar
from flask_datastar.errors import SetupError
from tests.conftest import MakeApp
from tests.support.actions import keyed
from tests.support.handlers import add

#: What actions carry that do not send the signal with the tab id.
TAB = "headers: {'Datastar-Tab': encodeURIComponent($tabId)}"
VERBS = ["GET", "POST", "PUT", "PATCH", "DELETE", "QUERY"]


@pytest.fixture(autouse=True)
def page(req_ctx: Any) -> None:
    """All tests here stand in a page's request, unless they push another one."""


@pytest.mark.parametrize("verb", VERBS)
def test_action_of_every_verb(datastar: Datastar, verb: str) -> None:
    handler = add(datastar, "cart", methods=[verb])

    expression = getattr(datastar, verb.lower())(handler)

    expected = f"@{verb.lower()}('/ds/cart/add')"
    # Those that change nothing are run as often as they are asked for.
    assert expression.js == (expected if verb in ("GET", "QUERY") else keyed(expected))
    assert expression == Markup(expression.js.replace("'", "&#39;"))


@pytest.mark.parametrize("quote", ['"', "'"])
def test_action_is_safe_in_an_attribute_with_either_quote(datastar: Datastar, quote: str) -> None:
    add(datastar, "cart")

    html = render_template_string(
        f"<b data-on:click={quote}{{{{ datastar.post('add', text=text, _selector=text) }}}}{quote}>",
        text="'\"<x>; @a(",
    )

    assert html == (
        f"<b data-on:click={quote}@post(&#39;/ds/cart/add?text=%27%22%3Cx%3E%3B%20%40a%28&amp;_k=&#39; + "
        "Math.random(), {selector: &#39;\\u0027\\u0022\\u003cx\\u003e\\u003b \\u0040a(&#39;, "
        f"requestCancellation: &#39;disabled&#39;}}){quote}>"
    )


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

    with pytest.raises(TypeError, match=r"^@post\('/ds/cart/add\?_k=.*\) is an action for a template, not a dec"):
        datastar.post("add")(print)


@pytest.mark.parametrize("value", [5, None, b"$id"])
def test_expr_takes_javascript_only(datastar: Datastar, value: Any) -> None:
    with pytest.raises(TypeError, match=r"^expr\(\) got \w+; accepted: str of JavaScript\. For a value, use js\(\)$"):
        datastar.expr(value)


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
    add(datastar, "cart", methods=["QUERY"])

    end = f", {{{written}}})" if written else ")"
    assert datastar.query("add", **options).js == f"@query('/ds/cart/add'{end}"


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
        keyed("@post('/ds/cart/add', {headers: {'X-A': $a}, retryInterval: $ms})")
    )


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        (
            {"_retries": 1},
            TypeError,
            "unknown action option _retries; accepted: _content_type, .*, _module, _once$",
        ),
        ({"_retry": "often"}, ValueError, "action option _retry is 'often'; accepted: auto, error, always, never"),
        ({"_prefix": "en"}, ValueError, "action option _prefix is 'en'; accepted: a path of this host such as '/en'"),
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

    assert datastar.post("add", _prefix="/en").js == keyed("@post('/en/ds/cart/add')")
    assert datastar.post("add", _prefix="/a/.b/%C3%A9").js == keyed("@post('/a/.b/%C3%A9/ds/cart/add')")
    with app.test_request_context(base_url="http://localhost/mount"):
        assert datastar.post("add", id=1, _prefix="/en/x").js == keyed("@post('/mount/en/x/ds/cart/add?id=1')")
        assert datastar.post("act", lang=datastar.expr("$l"), order=1, _prefix="/p").js == (
            keyed("@post('/mount/p/' + encodeURIComponent($l) + '/orders/1/ds/g/act')")
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
            keyed("@post('http://api.shop.example/mount/en/' + encodeURIComponent($l) + '/ds/cart/add')")
        )


def test_module_is_resolved_in_the_browser(app: Flask, datastar: Datastar) -> None:
    add(datastar, "cart")
    add(datastar, "list")

    assert datastar.post("add", id=3, _module="$_group").js == (
        keyed("@post('/ds/' + encodeURIComponent($_group) + '/add?id=3')")
    )
    with app.test_request_context(base_url="http://localhost/mount"):
        assert datastar.put("add", _module=datastar.expr("$a"), _prefix="/en", _retry="never").js == (
            keyed("@put('/mount/en/ds/' + encodeURIComponent($a) + '/add', {retry: 'never'})")
        )


@pytest.mark.parametrize("target", ["no", "cart.add", print])
def test_module_needs_a_known_event(datastar: Datastar, target: Any) -> None:
    with pytest.raises(SetupError, match=r"^with _module, the target is a handler name; got .*, known names: none$"):
        datastar.post(target, _module="$m")
    add(datastar, "cart")
    with pytest.raises(SetupError, match=r"known names: add$"):
        datastar.post(target, _module="$m")


def test_generator_handlers_are_never_repeated(datastar: Datastar) -> None:
    @datastar.handler(group="g")
    def stream() -> Iterator[None]:
        yield

    assert datastar.post(stream).js == keyed("@post('/ds/g/stream', {retryMaxCount: 0})")
    assert datastar.post(stream, _retry_max_count=2).js == keyed("@post('/ds/g/stream', {retryMaxCount: 2})")


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


def render_part() -> str:
    return render_template("part.html")


def test_templates_know_whether_the_client_sent_the_request(make_app: MakeApp) -> None:
    app = make_app()
    datastar: Datastar = app.extensions["datastar"]
    text = "{{ datastar.is_datastar_request }}"
    app.jinja_env.loader = DictLoader(
        {"part.html": "<p id=a>{% if datastar.is_datastar_request %}{{ 1 // 0 }}{% endif %}</p>"}
    )
    headers = {"Datastar-Request": "true"}

    part = datastar.region(render_part)

    @app.get("/")
    def index() -> str:
        with datastar.broadcast("others") as out:
            out.patch_template("part.html")
        return render_template_string(text + " {{ part }}", part=part())

    client = app.test_client()
    assert client.get("/").text.startswith("False <")
    # What other pages get is the same, whoever asked: their template would fail.
    assert client.get("/", headers=headers).text.startswith("True <")
    with app.app_context():
        assert render_template_string(text) == "False"


def test_script_watches_the_loading_of_the_client_in_debug_mode_alone(make_app: MakeApp) -> None:
    app = make_app(TESTING=False, DATASTAR_SCRIPT_URL="/x.js", DATASTAR_CSP_NONCE=lambda: "abc")
    plain = '<script type="module" src="/x.js" nonce="abc"></script>'

    def script(**request: Any) -> str:
        with app.test_request_context(**request):
            return render_template_string("{{ datastar.script() }}")

    assert script() == plain
    app.debug = True
    assert script().startswith('<script nonce="abc">addEventListener(')
    assert script().endswith(f"</script>\n{plain}")
    # It goes into a page that has a client.
    assert "addEventListener" not in script(headers={"Datastar-Request": "true"})
    app.testing = True
    assert script() == plain


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
            assert datastar.post("add", id=1).js == keyed(f"@post('{mount}/ds/cart/add?id=1')")
            assert datastar.post("add", _prefix="/en").js == keyed(f"@post('{mount}/en/ds/cart/add')")
            assert datastar.post("add", _module="$m").js == keyed(
                f"@post('{mount}/ds/' + encodeURIComponent($m) + '/add')"
            )
            assert datastar.script() == f'<script type="module" src="{mount}/x.js"></script>'

    def test_path_values_are_filled_in(self, app: Flask, datastar: Datastar, nested: Blueprint) -> None:
        nested.url_defaults(lambda endpoint, values: values.setdefault("lang", "en") and None)
        app.register_blueprint(nested)

        with app.app_context():
            assert datastar.post("act", order=1).js == keyed("@post('/en/orders/1/ds/g/act')")
            with pytest.raises(SetupError, match="cannot be built from"):
                datastar.post("act")

    def test_blueprint_registered_twice_means_the_first(self, app: Flask, datastar: Datastar) -> None:
        blueprint = Blueprint("shop", __name__)
        add(datastar, "g", "act", blueprint=blueprint)
        app.register_blueprint(blueprint, url_prefix="/one")
        app.register_blueprint(blueprint, url_prefix="/two", name="second")

        with app.app_context():
            assert datastar.post("act").js == keyed("@post('/one/ds/g/act')")

    def test_action_outside_of_an_app_is_refused(self, datastar: Datastar) -> None:
        add(datastar, "cart")

        with pytest.raises(SetupError, match="Datastar needs an app context"):
            datastar.post("add")


# Which signals are sent


@pytest.mark.parametrize("verb", VERBS)
def test_signals_names_what_an_action_sends(datastar: Datastar, verb: str) -> None:
    add(datastar, "cart", methods=[verb])
    write, expect = getattr(datastar, verb.lower()), str if verb in ("GET", "QUERY") else keyed

    assert write("add", _signals=("query",)).js == expect(
        rf"@{verb.lower()}('/ds/cart/add', {{filterSignals: {{include: /^(tabId|query)(\.|$)/}}}})"
    )
    assert write("add", _signals=["user.name", "page"]).js == expect(
        rf"@{verb.lower()}('/ds/cart/add', {{filterSignals: {{include: /^(tabId|user\.name|page)(\.|$)/}}}})"
    )
    names = {"page", "query", "size", "tab", "user.name"}
    assert (
        write("add", _signals=names).js
        == write("add", _signals=frozenset(names)).js
        == expect(
            rf"@{verb.lower()}('/ds/cart/add', "
            r"{filterSignals: {include: /^(tabId|page|query|size|tab|user\.name)(\.|$)/}})"
        )
    )
    nothing = f"@{verb.lower()}('/ds/cart/add', {{filterSignals: {{include: /^$/}}}})"
    assert write("add", _signals=()).js == expect(nothing)
    assert write("add", _signals=None).js == expect(f"@{verb.lower()}('/ds/cart/add')")


@pytest.mark.parametrize("names", [(), [], set(), frozenset(), ("page",)])
def test_stream_always_sends_the_tab_id(datastar: Datastar, names: Collection[str]) -> None:
    @datastar.stream(group="g")
    def feed() -> Iterator[None]:
        yield

    expected = r"{include: /^(tabId|page)(\.|$)/}" if names else "{include: /^tabId$/}"
    assert f"filterSignals: {expected}" in datastar.open_stream(feed, _signals=names).js
    assert "filterSignals: {include: /^tabId$/}" in datastar.open_stream(feed, _signals=None).js
    own = datastar.open_stream(feed, _filter_signals={"exclude": "^big$"}).js
    assert "filterSignals: {exclude: '^big$'}" in own


@pytest.mark.parametrize(
    ("signals", "error", "text"),
    [
        ("query", TypeError, r"^_signals is 'query'; accepted: a list of signal names, such as \('query',\)$"),
        (5, TypeError, r"^_signals is 5; accepted: a list of signal names"),
        ({"query": 1}, TypeError, r"^_signals is {'query': 1}; accepted: a list of signal names"),
        ([5], TypeError, None),
        (["a..b"], ValueError, None),
        (["_own"], ValueError, r"^_signals has '_own': the browser sends no name with an underscore in front; leave"),
        (["page._own"], ValueError, r"^_signals has 'page\._own': the browser sends no name with an underscore in "),
    ],
)
@pytest.mark.parametrize("write", ["post", "open_stream"])
def test_unfit_signals_are_refused(datastar: Datastar, write: str, signals: Any, error: Any, text: str | None) -> None:
    add(datastar, "cart", methods=["GET", "POST"])

    with pytest.raises(error, match=text):
        getattr(datastar, write)("add", _signals=signals)


@pytest.mark.parametrize("write", ["post", "open_stream"])
def test_signals_beside_a_filter_are_refused(datastar: Datastar, write: str) -> None:
    add(datastar, "cart", methods=["GET", "POST"])

    with pytest.raises(TypeError, match=r"^_signals and _filter_signals are both given; give one of them$"):
        getattr(datastar, write)("add", _signals=("a",), _filter_signals={"include": "b"})
