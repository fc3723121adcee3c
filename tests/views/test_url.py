"""The parameters of a view's URL: actions carry them, events get them back as the page has them."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import pytest
from flask import Blueprint, Flask, g, url_for
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.routing import BaseConverter, ValidationError

from flask_datastar import Datastar, Signals, StarView, event
from flask_datastar.errors import SetupError
from flask_datastar.testing import DatastarClient
from tests.support.actions import keyed, keyless

#: What a router takes for a part of a path.
TEXTS = st.text(st.characters(exclude_characters="/", exclude_categories=["Cs"]), min_size=1)


def declare(datastar: Datastar, rule: str, **options: Any) -> type[StarView]:
    """Declare a view whose page is the action of its event, and whose event gives what it got."""

    @datastar.view(rule, group="page", **options)
    class PageView(StarView):
        def load(self, **parameters: Any) -> None:
            self.parameters = dict(sorted(parameters.items()))

        def html(self) -> str:
            return f"{self.parameters} {datastar.post('act').js}"

        @event
        def act(self, signals: Signals) -> Signals:
            return {"got": repr(self.parameters), "action": datastar.post("act").js}

    return PageView


def round_trip(app: Flask, page: str) -> str:
    """Load a page, run the action in it, check that the event writes the same action, and give what it got."""
    tab = DatastarClient(app)
    text = tab.client.get(page).text
    found = re.fullmatch(r"(\{.*\}) (@post\('(.*)'\))", keyless(text), re.DOTALL)
    assert found, text
    answer = tab.post(found[3].encode().decode("unicode_escape"))
    assert answer.patched == {"got": found[1], "action": keyed(found[2])}
    return found[1]


@pytest.mark.parametrize(
    ("rule", "page", "got"),
    [
        ("/", "/", "{}"),
        ("/<name>", "/Ada", "{'name': 'Ada'}"),
        ("/<name>", "/a%20b%26c%3Dd%2Be%25f%27%22%3C%3B%23", """{'name': 'a b&c=d+e%f\\'"<;#'}"""),
        ("/<name>", "/%C3%A9%E2%80%A8", "{'name': 'é\\u2028'}"),
        ("/<int:number>", "/007", "{'number': 7}"),
        ("/<int(fixed_digits=3):number>", "/007", "{'number': 7}"),
        ("/<int(signed=True):number>", "/-7", "{'number': -7}"),
        ("/<float:number>", "/1.50", "{'number': 1.5}"),
        ("/<float:number>", "/0.00001", "{'number': 1e-05}"),
        ("/<float(signed=True):number>", f"/-1{'0' * 22}.0", "{'number': -1e+22}"),
        ("/<float(signed=True):number>", f"/-{'9' * 400}.0", "{'number': -inf}"),
        ("/<path:path>", "/a/b%20c/d", "{'path': 'a/b c/d'}"),
        ("/<uuid:number>", f"/{UUID(int=5)}", f"{{'number': {UUID(int=5)!r}}}"),
        ("/<any(all, 'open ones'):shown>", "/open%20ones", "{'shown': 'open ones'}"),
        ("/<string(length=2):code>/<int:number>", "/de/5", "{'code': 'de', 'number': 5}"),
    ],
)
def test_event_gets_what_the_page_got(app: Flask, datastar: Datastar, rule: str, page: str, got: str) -> None:
    declare(datastar, rule)

    assert round_trip(app, page) == got


@settings(max_examples=200)
@given(TEXTS)
def test_event_gets_any_text_that_the_page_got(text: str) -> None:
    app = Flask("shop")
    datastar = Datastar(app)
    view_class = declare(datastar, "/page/<name>")

    with app.test_request_context():
        action = datastar.post(view_class, "act", name=text).js

    url = re.fullmatch(r"@post\('(.*)'\)", keyless(action))
    assert url
    assert DatastarClient(app).post(url[1]).patched["got"] == repr({"name": text})


class ListConverter(BaseConverter):
    """A converter as people write them: objects on the Python side."""

    regex = r"[a-z]+(?:,[a-z]+)*"

    def to_python(self, value: str) -> list[str]:
        if "bad" in value:
            raise ValidationError
        return value.split(",")

    def to_url(self, value: list[str]) -> str:
        return ",".join(super(ListConverter, self).to_url(item) for item in value)


def test_own_converters_convert_both_ways(app: Flask, datastar: Datastar) -> None:
    app.url_map.converters["list"] = ListConverter
    declare(datastar, "/<list:names>")

    assert round_trip(app, "/ada,bob") == "{'names': ['ada', 'bob']}"
    tab = DatastarClient(app)
    for text in ("ada,", "bad", "A"):
        assert tab.client.get(f"/{text}").status_code == 404
        assert tab.post(f"/ds/page/act?names={text}").status_code == 400


@pytest.mark.parametrize(
    ("rule", "query", "message"),
    [
        ("/<int:number>", "number=x", "parameter 'number': 'x' does not fit the view's URL"),
        ("/<int:number>", "number=-5", "parameter 'number': '-5' does not fit the view's URL"),
        ("/<int(max=9):number>", "number=10", "parameter 'number': '10' does not fit the view's URL"),
        ("/<int:number>", "number=5%0A", "parameter 'number': '5\\n' does not fit the view's URL"),
        ("/<any(a, b):number>", "number=c", "parameter 'number': 'c' does not fit the view's URL"),
        ("/<number>", "number=a/b", "parameter 'number': 'a/b' does not fit the view's URL"),
        ("/<number>", "", "parameter 'number': missing (a parameter of the view's URL)"),
        ("/<a>/<b>", "a=", "parameter 'a': '' does not fit the view's URL; parameter 'b': missing (a parameter of the"),
    ],
)
def test_value_that_the_page_could_not_have_is_400(
    app: Flask, datastar: Datastar, rule: str, query: str, message: str
) -> None:
    declare(datastar, rule)
    app.register_error_handler(400, lambda error: (error.description, 400))

    # A signal of that name is none of the URL.
    answer = DatastarClient(app, {"number": 5, "a": "a", "b": "b"}).post(f"/ds/page/act?{query}")

    assert answer.status_code == 400
    assert message in answer.response.text


def test_parameters_of_events_may_be_those_of_the_url(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.view("/<int:number>", group="page")
    class PageView(StarView):
        @event
        def act(self, number: str, more: int) -> Signals:
            return {"got": repr((number, more))}

    # As the rule converts it, whatever signals and annotations say.
    tab.signals = {"number": 9, "more": "1"}
    assert tab.post("page.act", number=5).patched == {"got": "(5, 1)"}


def test_defaults_of_the_rule_need_not_be_given(app: Flask, datastar: Datastar) -> None:
    view_class = declare(datastar, "/<int:number>", defaults={"kind": "plain"})

    assert round_trip(app, "/5") == "{'kind': 'plain', 'number': 5}"
    assert DatastarClient(app).post(view_class, "act", number=5).patched["got"] == "{'kind': 'plain', 'number': 5}"


def test_argument_wins_over_what_the_page_has(app: Flask, datastar: Datastar) -> None:
    @datastar.view("/<int:number>", group="page")
    class PageView(StarView):
        def html(self) -> str:
            actions = [datastar.post("act", number=6), datastar.post("act", number=datastar.expr("$n"), more=1)]
            return " ".join(action.js for action in actions)

        @event
        def act(self, more: int = 0) -> None: ...

    assert app.test_client().get("/5").text == (
        keyed("@post('/ds/page/act?number=6') @post('/ds/page/act?number=' + encodeURIComponent($n) + '&more=1')")
    )


def test_other_views_actions_need_their_parameters(app: Flask, datastar: Datastar) -> None:
    other = declare(datastar, "/other/<int:number>")

    @datastar.view("/<int:number>", group="second")
    class SecondView(StarView):
        def html(self) -> str:
            return str(datastar.post(other, "act").js)

    with pytest.raises(
        SetupError,
        match=r"^an action for page:act \(.*PageView\.act\) needs 'number', a parameter of the view's URL; give it, as",
    ):
        app.test_client().get("/5")


@pytest.mark.parametrize("value", ["x", -5, 10, [1], "a/b", object()])
def test_value_that_the_page_could_not_have_is_no_action(app: Flask, datastar: Datastar, value: Any) -> None:
    view_class = declare(datastar, "/<int(max=9):number>")

    with (
        app.test_request_context(),
        pytest.raises(SetupError, match=r"^an action for page:act .* got number=.*, which doe"),
    ):
        datastar.post(view_class, "act", number=value)


def test_action_may_be_written_without_a_request(app: Flask, datastar: Datastar) -> None:
    view_class = declare(datastar, "/<int:number>")

    with app.app_context():
        assert datastar.post(view_class, "act", number=5).js == keyed("@post('/ds/page/act?number=5')")
        assert datastar.post("page.act", number=5).js == keyed("@post('/ds/page/act?number=5')")


def test_prefix_of_a_blueprint_stays_in_the_path(app: Flask, datastar: Datastar) -> None:
    blueprint = Blueprint("shops", __name__, url_prefix="/shops/<int:shop>")
    view_class = declare(datastar, "/cart/<name>", blueprint=blueprint)
    app.register_blueprint(blueprint)

    assert round_trip(app, "/shops/5/cart/a%20b") == "{'name': 'a b', 'shop': 5}"
    with app.test_request_context():
        action = datastar.post(view_class, "act", shop=5, name="a b").js
    assert action == keyed("@post('/shops/5/ds/page/act?name=a%20b')")


def test_blueprint_registered_twice_keeps_to_its_registration(app: Flask, datastar: Datastar) -> None:
    blueprint = Blueprint("shops", __name__)
    declare(datastar, "/cart/<name>", blueprint=blueprint)
    app.register_blueprint(blueprint, url_prefix="/de", name="german")
    app.register_blueprint(blueprint, url_prefix="/<lang>", name="other")

    assert round_trip(app, "/de/cart/a") == "{'name': 'a'}"
    assert round_trip(app, "/fr/cart/a") == "{'lang': 'fr', 'name': 'a'}"
    text = DatastarClient(app).client.get("/de/cart/a").text
    assert text.endswith(keyed("@post('/de/ds/page/act?name=a')"))


def test_nested_blueprint_has_the_prefixes_of_all(app: Flask, datastar: Datastar) -> None:
    outer, inner = Blueprint("outer", __name__), Blueprint("inner", __name__, url_prefix="/<inner>")
    declare(datastar, "/<name>", blueprint=inner)
    outer.register_blueprint(inner)
    app.register_blueprint(outer, url_prefix="/<outer>")

    assert round_trip(app, "/a/b/c") == "{'inner': 'b', 'name': 'c', 'outer': 'a'}"
    with app.test_request_context():
        assert url_for("outer.inner.page_view", outer="a", inner="b", name="c") == "/a/b/c"


def test_value_preprocessors_of_a_prefix_hold_for_events(app: Flask, datastar: Datastar) -> None:
    blueprint = Blueprint("pages", __name__, url_prefix="/<lang>")

    @blueprint.url_value_preprocessor
    def take(endpoint: str | None, values: dict[str, Any] | None) -> None:
        g.lang = (values or {}).pop("lang")

    @blueprint.url_defaults
    def put(endpoint: str, values: dict[str, Any]) -> None:
        values.setdefault("lang", g.lang)

    declare(datastar, "/page/<int:number>", blueprint=blueprint)
    app.register_blueprint(blueprint)

    assert round_trip(app, "/de/page/5") == "{'number': 5}"
    assert DatastarClient(app).client.get("/de/page/5").text.endswith(keyed("@post('/de/ds/page/act?number=5')"))


def test_parameter_may_be_called_like_anything(app: Flask, datastar: Datastar) -> None:
    @datastar.view("/<event>/<signals>/<view>", group="page")
    class PageView(StarView):
        def load(self, **parameters: str) -> None:
            self.parameters = parameters

        def handle_event(self, event: str, signals: Signals) -> Signals:
            return {"got": [event, self.parameters]}

    answer = DatastarClient(app).post("page.any", event="e", signals="s", view="v")

    assert answer.patched == {"got": ["any", {"event": "e", "signals": "s", "view": "v"}]}


def test_mounted_application_writes_its_path(app: Flask, datastar: Datastar) -> None:
    declare(datastar, "/<int:number>")

    text = app.test_client().get("/5", environ_overrides={"SCRIPT_NAME": "/shop"}).text

    assert text == keyed("{'number': 5} @post('/shop/ds/page/act?number=5')")
