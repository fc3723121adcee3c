"""Declaring views: what becomes reachable by it and what does not, inheritance, names, reloads, several apps."""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from flask import Blueprint, Flask, abort, redirect, session, url_for
from flask.typing import ResponseReturnValue

from flask_datastar import Datastar, StarView, event
from flask_datastar.errors import SetupError
from flask_datastar.testing import DatastarClient
from tests.conftest import MakeApp
from tests.support.actions import keyed


class Page(StarView):
    """A view whose page is not what the tests are about."""

    def html(self) -> str:
        return "<p id='page'></p>"


def rules(app: Flask) -> dict[str, str]:
    """Endpoint → rule, without Flask's own."""
    return {rule.endpoint: rule.rule for rule in app.url_map.iter_rules() if rule.endpoint != "static"}


def test_view_has_a_page_and_an_endpoint_for_each_event(app: Flask, datastar: Datastar) -> None:
    @datastar.view("/cart/<int:number>")
    class CartView(Page):
        @event
        def add_item(self) -> None: ...

        @event(name="drop", methods=["DELETE"])
        def remove(self) -> None: ...

    assert rules(app) == {
        "cart_view": "/cart/<int:number>",
        "datastar.tests-views-test_starview-cart_view:add_item": "/ds/tests-views-test_starview-cart_view/add_item",
        "datastar.tests-views-test_starview-cart_view:drop": "/ds/tests-views-test_starview-cart_view/drop",
    }
    methods = {rule.endpoint.rpartition(":")[2]: rule.methods for rule in app.url_map.iter_rules()}
    assert methods["cart_view"] == {"GET", "HEAD", "OPTIONS"}
    assert methods["add_item"] == {"POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
    assert methods["drop"] == {"DELETE", "OPTIONS"}


def test_decorators_return_what_they_got(datastar: Datastar) -> None:
    def add(self: StarView) -> None: ...

    class CartView(Page): ...

    assert event(add) is add
    assert datastar.view("/")(CartView) is CartView


def test_names_can_be_given(app: Flask, datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.view("/", group="cart", endpoint="basket", strict_slashes=False, defaults={"number": 5})
    class CartView(StarView):
        def show(self, number: int) -> None:
            self.number = number

        def html(self) -> str:
            return str(self.number)

        @event
        def add(self) -> str:
            return "<p id='a'></p>"

    assert rules(app) == {"basket": "/", "datastar.cart:add": "/ds/cart/add"}
    assert tab.client.get("/").text == "5"
    assert tab.post("cart.add").html == tab.post(CartView, "add").html == "<p id='a'></p>"


def test_group_of_an_inner_class_has_the_outer_ones_name(datastar: Datastar) -> None:
    class Shop:
        class HTTPView(Page):
            @event
            def add(self) -> None: ...

    datastar.view("/")(Shop.HTTPView)

    assert [handler.group for handler in datastar.handlers] == ["tests-views-test_starview-shop-http_view"]


@pytest.mark.parametrize("target", ["CartView", None, dict, Flask("x"), Page()])
def test_something_else_than_a_view_class_is_refused(datastar: Datastar, target: Any) -> None:
    with pytest.raises(SetupError, match=r"^@datastar\.view\(rule\) decorates a subclass of StarView, not "):
        datastar.view("/")(target)


def test_decorator_without_a_rule_is_refused(datastar: Datastar) -> None:
    with pytest.raises(
        SetupError, match=r"^@datastar\.view takes a URL rule, not <class .*; write @datastar\.view\('/"
    ):
        datastar.view(Page)  # type: ignore[arg-type]


@pytest.mark.parametrize("rule", ["", "page", None, 5])
def test_rule_without_a_slash_is_refused(datastar: Datastar, rule: Any) -> None:
    with pytest.raises(SetupError, match=rf"^@datastar\.view takes a URL rule, not {rule!r}; write @datastar\.view\("):
        datastar.view(rule)


def test_rule_with_an_unknown_converter_leaves_nothing_behind(datastar: Datastar, tab: DatastarClient) -> None:
    with pytest.raises(LookupError, match="the converter 'number' does not exist"):
        declare(datastar, "text", rule="/<number:x>")

    assert datastar.handlers == ()
    declare(datastar, "text", rule="/page")
    assert tab.client.get("/page").text == "text"


def test_rule_below_a_prefix_may_be_empty(app: Flask, datastar: Datastar) -> None:
    blueprint = Blueprint("bp", __name__, url_prefix="/bp")
    declare(datastar, "text", rule="", blueprint=blueprint)
    app.register_blueprint(blueprint)

    assert app.test_client().get("/bp").text == "text"


@pytest.mark.parametrize("methods", [[], "POST", ["HEAD"], ["FETCH"]])
def test_verbs_of_an_event_are_those_of_handlers(datastar: Datastar, methods: Any) -> None:
    class CartView(Page):
        @event(methods=methods)
        def add(self) -> None: ...

    with pytest.raises(
        SetupError, match=r"^handler .*CartView\.add: methods is .*; accepted: a list of GET, POST, PUT"
    ):
        datastar.view("/")(CartView)


@pytest.mark.parametrize("name", ["", "a.b", "a b", "*", "a/b", "<x>", 5])
def test_event_names_are_those_of_handlers(datastar: Datastar, name: Any) -> None:
    class CartView(Page):
        @event(name=name)
        def add(self) -> None: ...

    with pytest.raises(SetupError, match=r"^handler .*CartView\.add: name is .*; accepted: letters, digits, '_', '-'"):
        datastar.view("/")(CartView)
    assert datastar.handlers == ()


# What is no event


@pytest.mark.parametrize("target", ["add", None, 5, Page, staticmethod(len), property(len), functools.partial(len)])
def test_mark_on_something_else_than_a_method_is_refused(target: Any) -> None:
    with pytest.raises(SetupError, match=r"^@event decorates a method of a StarView, not .*; write @event\(name="):
        event()(target)


def test_string_in_place_of_the_method_is_refused() -> None:
    with pytest.raises(SetupError, match="decorates a method of a StarView, not 'add'"):
        event("add")  # type: ignore[type-var]


def test_method_marked_twice_is_refused() -> None:
    with pytest.raises(SetupError, match=r"^method .*act is marked as an event twice: an event has one name; rem"):

        @event
        @event(name="other")
        def act(self: StarView) -> None: ...


@pytest.mark.parametrize("name", ["load", "show", "html", "template", "decorators", "handle_event", "__init__"])
def test_method_with_a_meaning_of_its_own_cannot_be_an_event(datastar: Datastar, name: str) -> None:
    def method(self: StarView) -> None: ...

    view_class = type("CartView", (Page,), {name: event(method)})

    with pytest.raises(SetupError, match=rf"^view .*CartView: '{name}' cannot be an event, because StarView "):
        datastar.view("/")(view_class)


@pytest.mark.parametrize("name", ["load", "show", "html", "template", "get", "as_view", "dispatch_request", "__init__"])
def test_event_may_be_named_like_any_method(datastar: Datastar, tab: DatastarClient, name: str) -> None:
    @datastar.view("/", group="cart")
    class CartView(Page):
        @event(name=name)
        def act(self) -> str:
            return "<p id='act'></p>"

    assert tab.post("cart", name).html == "<p id='act'></p>"


def test_methods_may_be_named_like_those_of_flasks_views(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.view("/", group="cart")
    class CartView(Page):
        @event
        def dispatch_request(self) -> str:
            return "<p id='dispatch'></p>"

        @event(methods=["GET"])
        def get(self) -> str:
            return "<p id='get'></p>"

        @event
        def methods(self) -> str:
            return "<p id='methods'></p>"

    assert tab.client.get("/").text == "<p id='page'></p>"
    assert tab.post(CartView, "dispatch_request").html == "<p id='dispatch'></p>"
    assert tab.get(CartView, "get").html == "<p id='get'></p>"
    assert tab.post(CartView, "methods").html == "<p id='methods'></p>"


@pytest.mark.parametrize("wrap", [staticmethod, classmethod])
def test_static_and_class_methods_are_refused(datastar: Datastar, wrap: Callable[..., Any]) -> None:
    def add(first: object) -> None: ...

    view_class = type("CartView", (Page,), {"add": wrap(event(add))})

    with pytest.raises(SetupError, match=r"^view .*CartView: add is <(static|class)method.*; accepted: a method, or"):
        datastar.view("/")(view_class)


def test_two_methods_of_one_event_name_are_refused(datastar: Datastar) -> None:
    class CartView(Page):
        @event
        def add(self) -> None: ...

        @event(name="add")
        def put(self) -> None: ...

    with pytest.raises(
        SetupError, match=r"^view .*CartView: add and put are both the event 'add'; give one of them a different name$"
    ):
        datastar.view("/")(CartView)


def test_method_without_self_is_refused(datastar: Datastar) -> None:
    def add() -> None: ...

    def put(*, count: int) -> None: ...

    for method in (add, put):
        view_class = type("CartView", (Page,), {"add": event(method)})
        with pytest.raises(SetupError, match=r"^handler .* is a method without 'self'; add it as the first parameter$"):
            datastar.view("/")(view_class)


def test_async_generator_is_refused(datastar: Datastar) -> None:
    class CartView(Page):
        @event
        async def add(self) -> AsyncIterator[None]:
            yield

    with pytest.raises(SetupError, match=r"CartView\.add is an async generator, which WSGI cannot stream"):
        datastar.view("/")(CartView)


class Agreeable:
    """It has every attribute that anybody asks for, the mark of an event, too."""

    def __getattr__(self, name: str) -> Agreeable:
        return self

    def __call__(self, *args: object) -> str:
        return "<p id='agreeable'></p>"


class Attributes(Page):
    """All that a class may have beside its events."""

    template = "secret.html"
    secret = "value"
    component = functools.partial(str, "partial")
    agreeable = Agreeable()

    def load(self, **parameters: Any) -> None:
        self.loaded = True

    def show(self, **parameters: Any) -> None: ...

    def helper(self) -> str:
        return "<p id='helper'></p>"

    def _private(self) -> None: ...

    @staticmethod
    def static() -> None: ...

    @classmethod
    def make(cls) -> None: ...

    @property
    def computed(self) -> str:
        raise AssertionError("asked for")

    @event(name="add")
    def add_under_another_name(self) -> None: ...


ATTRIBUTES = [*dir(Attributes), *dir(type), "__datastar_event__", "loaded", "handle_event", "*", "%2a", "add%00", "ADD"]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "QUERY"])
def test_nothing_but_the_events_is_reachable(make_app: MakeApp, method: str) -> None:
    datastar = Datastar()
    app = make_app(datastar, PROPAGATE_EXCEPTIONS=True)
    datastar.view("/", group="page")(Attributes)
    client = app.test_client()
    headers = {"Datastar-Request": "true", "Sec-Fetch-Site": "same-origin"}

    def status(group: str, name: str) -> int:
        return client.open(f"/ds/{group}/{name}", method=method, headers=headers).status_code

    assert status("page", "add") == (405 if method in ("GET", "QUERY") else 204)
    reached = [name for name in ATTRIBUTES if status("page", name) not in (404, 405)]
    assert reached == []
    assert status("page", "helper") == status("page", "add_under_another_name") == 404
    # Nor are classes that no decorator registered, by whatever name they have.
    for group in (
        "tests-views-test_starview-attributes",
        "tests-views-test_starview-page",
        "flask_datastar-views-star_view",
        "Attributes",
    ):
        assert status(group, "add") == 404


def test_unregistered_base_is_not_reachable(app: Flask, datastar: Datastar, tab: DatastarClient) -> None:
    class Base(Page):
        @event
        def add(self) -> str:
            return f"<p id='a'>{type(self).__name__}</p>"

    @datastar.view("/first")
    class First(Base): ...

    @datastar.view("/second")
    class Second(Base): ...

    assert {handler.group for handler in datastar.handlers} == {
        "tests-views-test_starview-first",
        "tests-views-test_starview-second",
    }
    assert tab.post(First, "add").html == "<p id='a'>First</p>"
    assert tab.post(Second, "add").html == "<p id='a'>Second</p>"
    assert tab.post("/ds/tests-views-test_starview-base/add").status_code == 404
    with pytest.raises(
        SetupError, match=r"^no handler fits <class .*Base'>, 'add'; declare it.*first:add \(.*First\.add"
    ):
        tab.post(Base, "add")


# Inheritance


def test_overriding_method_keeps_the_event_of_the_base(datastar: Datastar, tab: DatastarClient) -> None:
    class Base(Page):
        @event(name="add", methods=["PUT"])
        def add_item(self, count: int) -> str:
            return f"base {count}"

    @datastar.view("/", group="cart")
    class CartView(Base):
        def add_item(self, count: int = 1, more: int = 2) -> str:
            return f"<p id='a'>{super().add_item(count)} {more}</p>"

    assert tab.put("cart", "add", more=5).html == "<p id='a'>base 1 5</p>"
    assert tab.post("/ds/cart/add").status_code == 405


def test_overriding_method_with_a_mark_has_its_own_options(datastar: Datastar, tab: DatastarClient) -> None:
    class Base(Page):
        @event
        def add(self) -> None: ...

    @datastar.view("/", group="cart")
    class CartView(Base):
        @event(name="put", methods=["PUT"])
        def add(self) -> str:
            super().add()
            return "<p id='a'></p>"

    assert tab.put("cart", "put").html == "<p id='a'></p>"
    assert tab.post("/ds/cart/add").status_code == 404


def test_none_takes_an_event_away_for_good(datastar: Datastar, tab: DatastarClient) -> None:
    class Base(Page):
        @event
        def add(self) -> None: ...

        @event
        def remove(self) -> None: ...

    class Closed(Base):
        add = None  # type: ignore[assignment]

    @datastar.view("/", group="cart")
    class CartView(Closed):
        def add(self) -> None: ...  # type: ignore[override]

    assert [handler.name for handler in datastar.handlers] == ["remove"]
    assert tab.post("/ds/cart/add").status_code == 404


def test_other_value_in_place_of_an_event_is_refused(datastar: Datastar) -> None:
    class Base(Page):
        @event
        def add(self) -> None: ...

    class CartView(Base):
        add = 5  # type: ignore[assignment]

    with pytest.raises(SetupError, match=r"CartView: add is 5; accepted: a method, or None to remove the event$"):
        datastar.view("/")(CartView)


def test_mixins_bring_events_and_super_reaches_them_all(datastar: Datastar, tab: DatastarClient) -> None:
    class Undo:
        steps: list[str]

        def load(self, **parameters: Any) -> Any:
            self.steps = ["undo"]
            return super().load(**parameters)  # type: ignore[misc]

        @event
        def undo(self) -> str:
            return f"<p id='a'>{self.steps}</p>"

    class Audit(StarView):
        steps: list[str]

        def load(self, **parameters: Any) -> Any:
            self.steps.append("audit")
            return super().load(**parameters)

    @datastar.view("/", group="cart")
    class CartView(Undo, Audit, Page):
        def load(self, **parameters: Any) -> Any:
            super().load(**parameters)
            self.steps.append("cart")

    assert tab.post("cart", "undo").html == "<p id='a'>['undo', 'audit', 'cart']</p>"


def test_decorated_event_keeps_its_mark(datastar: Datastar, tab: DatastarClient) -> None:
    def shout(method: Callable[..., str]) -> Callable[..., str]:
        @functools.wraps(method)
        def wrapper(*args: Any, **kwargs: Any) -> str:
            return method(*args, **kwargs).upper()

        return wrapper

    @datastar.view("/", group="cart")
    class CartView(Page):
        @shout
        @event
        def below(self, count: int) -> str:
            return f"<p id='a'>below {count}</p>"

        @event
        @shout
        def above(self, count: int) -> str:
            return f"<p id='a'>above {count}</p>"

    assert tab.post("cart", "below", count="3").html == "<P ID='A'>BELOW 3</P>"
    assert tab.post("cart", "above", count="3").html == "<P ID='A'>ABOVE 3</P>"


def test_event_is_found_by_module_class_dotted_name_and_function(app: Flask, datastar: Datastar) -> None:
    module = sys.modules[__name__]

    class Base(Page):
        __module__ = "elsewhere"

        @event
        def add(self) -> None: ...

    @datastar.view("/", group="cart")
    class CartView(Base):
        __module__ = __name__

    with app.test_request_context():
        for target in ((module, "add"), (CartView, "add"), (CartView.add,), ("cart", "add"), ("cart.add",), ("add",)):
            assert datastar.post(*target).js == keyed("@post('/ds/cart/add')")

        datastar.view("/other")(Attributes)

        for target in ((__name__ + ".Attributes", "add"), (__name__ + ".Attributes.add",)):
            assert datastar.post(*target).js == keyed("@post('/ds/tests-views-test_starview-attributes/add')")
        with pytest.raises(SetupError, match=r"^several handlers fit .*; name the group, too$"):
            datastar.post(module, "add")
        with pytest.raises(SetupError, match=r"^the action names the view Attributes, but no event; give its name, "):
            datastar.post(Attributes)


# Declared again, taken names, several apps


def declare(datastar: Datastar, text: str, rule: str = "/page", **options: Any) -> type[StarView]:
    """Declare a class of the same module and name each time, as a reload does."""

    @datastar.view(rule, group="g", **options)
    class CartView(StarView):
        def html(self) -> str:
            return text

        @event
        def act(self) -> str:
            return f"<p id='a'>{text}</p>"

    return CartView


def test_same_class_declared_again_replaces_itself(app: Flask, datastar: Datastar, tab: DatastarClient) -> None:
    old = declare(datastar, "old")
    assert tab.client.get("/page").text == "old"

    declare(datastar, "new")

    assert tab.client.get("/page").text == "new"
    assert tab.post("/ds/g/act").html == tab.post(old, "act").html == "<p id='a'>new</p>"
    assert len(rules(app)) == 2


def test_event_that_is_gone_after_a_reload_is_unreachable(app: Flask, datastar: Datastar, tab: DatastarClient) -> None:
    def declare(*names: str) -> None:
        def act(self: StarView) -> str:
            return "<p id='a'></p>"

        methods = {name: event(types.FunctionType(act.__code__, globals(), name)) for name in names}
        view_class = type("CartView", (Page,), methods)
        view_class.__module__, view_class.__qualname__ = __name__, "CartView"
        datastar.view("/page", group="g")(view_class)

    declare("first", "second")
    assert tab.post("g.first").status_code == tab.post("g.second").status_code == 200

    declare("second", "third")

    assert tab.post("/ds/g/first").status_code == 404
    assert tab.post("g.second").status_code == tab.post("g.third").status_code == 200
    assert {handler.name for handler in datastar.handlers} == {"second", "third"}


@pytest.mark.parametrize("options", [{"rule": "/other"}, {"endpoint": "other"}, {"strict_slashes": False}])
def test_second_route_for_one_class_is_refused(datastar: Datastar, tab: DatastarClient, options: Any) -> None:
    declare(datastar, "old")

    with pytest.raises(
        SetupError,
        match=r"^view .*CartView is declared for '/page', and again for '.*a class has one rule: make a subclass",
    ):
        declare(datastar, "new", **options)

    assert tab.client.get("/page").text == "old"
    assert tab.post("g.act").html == "<p id='a'>old</p>"


def test_same_class_declared_again_in_a_blueprint_is_refused(datastar: Datastar) -> None:
    declare(datastar, "old")

    with pytest.raises(
        SetupError, match="is declared for '/page', and again for '/page', with another blueprint, other"
    ):
        declare(datastar, "new", blueprint=Blueprint("shop", __name__))


def test_second_rule_is_a_subclass(datastar: Datastar, tab: DatastarClient) -> None:
    first = declare(datastar, "text")

    @datastar.view("/other")
    class OtherView(first):  # type: ignore[valid-type, misc]
        pass

    assert tab.client.get("/page").text == tab.client.get("/other").text == "text"
    assert tab.post(first, "act").html == tab.post(OtherView, "act").html == "<p id='a'>text</p>"


def test_two_classes_of_one_group_are_refused(datastar: Datastar) -> None:
    declare(datastar, "first")

    class OtherView(Page): ...

    with pytest.raises(
        SetupError,
        match=r"^two views have the group 'g': .*CartView and .*OtherView; give one of them a different group=$",
    ):
        datastar.view("/other", group="g")(OtherView)


def test_event_under_the_name_of_a_handler_is_refused(app: Flask, datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.handler(group="g")
    def act() -> str:
        return "<p id='a'>handler</p>"

    with pytest.raises(
        SetupError, match=r"^two handlers are called g:act: .*act\) and g:act \(.*CartView\.act\); give"
    ):
        declare(datastar, "view")

    assert tab.post("g.act").html == "<p id='a'>handler</p>"
    assert tab.client.get("/page").status_code == 404


def test_refused_events_leave_all_as_it_was(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.handler(group="g")
    def taken() -> None: ...

    declare(datastar, "first")

    class CartView(Page):
        __qualname__ = "declare.<locals>.CartView"

        @event
        def another(self) -> None: ...

        @event(name="taken")
        def yet_another(self) -> None: ...

    with pytest.raises(SetupError, match=r"^two handlers are called g:taken: "):
        datastar.view("/page", group="g")(CartView)

    assert {handler.name for handler in datastar.handlers} == {"taken", "act"}
    assert tab.post("g.act").html == "<p id='a'>first</p>"
    assert tab.post("/ds/g/another").status_code == 404


def test_taken_endpoint_is_refused(app: Flask, datastar: Datastar) -> None:
    app.add_url_rule("/x", "cart_view", lambda: "x")

    with pytest.raises(
        SetupError, match=r"CartView: the app has an endpoint 'cart_view' already; give the view another"
    ):
        declare(datastar, "text")

    assert datastar.handlers == ()
    declare(datastar, "text", endpoint="cart")


def test_view_may_be_declared_after_the_first_request(app: Flask, datastar: Datastar, tab: DatastarClient) -> None:
    assert tab.client.get("/page").status_code == 404

    declare(datastar, "late")

    assert tab.client.get("/page").text == "late"


def test_same_class_serves_two_apps() -> None:
    datastar = Datastar()
    view_class = declare(datastar, "text")
    first, second = Flask("first"), Flask("second")
    datastar.init_app(first)
    datastar.init_app(second)

    for app in (first, second):
        assert DatastarClient(app).client.get("/page").text == "text"
        assert DatastarClient(app).post(view_class, "act").html == "<p id='a'>text</p>"


def test_same_class_serves_two_instances() -> None:
    class CartView(Page):
        @event(methods=iter(["PUT"]))
        def act(self) -> str:
            return "<p id='a'></p>"

    for rule in ("/first", "/second"):
        app = Flask(rule)
        Datastar(app).view(rule)(CartView)
        assert DatastarClient(app).client.get(rule).text == "<p id='page'></p>"
        assert DatastarClient(app).put(CartView, "act").html == "<p id='a'></p>"


# Blueprints


@pytest.mark.parametrize("register_first", [True, False])
@pytest.mark.parametrize("declare_first", [True, False])
def test_blueprint_may_come_before_and_after_init_app(register_first: bool, declare_first: bool) -> None:
    app, datastar, blueprint = Flask("shop"), Datastar(), Blueprint("bp", __name__, url_prefix="/bp")
    if not declare_first:
        datastar.init_app(app)
    view_class = declare(datastar, "it", blueprint=blueprint)
    if register_first:
        app.register_blueprint(blueprint)
    if declare_first:
        datastar.init_app(app)
    if not register_first:
        app.register_blueprint(blueprint)

    assert rules(app) == {"bp.cart_view": "/bp/page", "bp.g:act": "/bp/ds/g/act"}
    assert DatastarClient(app).client.get("/bp/page").text == "it"
    assert DatastarClient(app).post(view_class, "act").html == "<p id='a'>it</p>"


def test_view_declared_after_its_blueprint_was_registered_is_refused(app: Flask, datastar: Datastar) -> None:
    blueprint = Blueprint("shop", __name__)
    app.register_blueprint(blueprint)

    with pytest.raises(
        SetupError, match=r"^view .*CartView is declared after its blueprint 'shop' was registered; decl"
    ):
        declare(datastar, "late", blueprint=blueprint)

    assert datastar.handlers == ()
    declare(datastar, "without blueprint")


def test_refused_declaration_leaves_the_earlier_view() -> None:
    datastar = Datastar()
    first, second = Flask("first"), Flask("second")
    first_blueprint, second_blueprint = Blueprint("shop", __name__), Blueprint("shop", __name__)
    declare(datastar, "first", blueprint=first_blueprint)
    for app, blueprint in ((first, first_blueprint), (second, second_blueprint)):
        app.register_blueprint(blueprint)
        datastar.init_app(app)

    with pytest.raises(SetupError, match="was registered"):
        declare(datastar, "second", blueprint=second_blueprint)

    assert DatastarClient(first).post("g.act").html == "<p id='a'>first</p>"
    assert DatastarClient(second).client.get("/page").status_code == 404
    # It is still known as what it is: declared again, it replaces itself.
    declare(datastar, "newer", blueprint=first_blueprint)
    assert DatastarClient(first).client.get("/page").text == "newer"


def test_factory_called_twice_makes_two_working_apps() -> None:
    datastar = Datastar()

    def create_app(text: str) -> Flask:
        app, blueprint = Flask(text), Blueprint("shop", __name__, url_prefix="/shop")
        declare(datastar, text, blueprint=blueprint)
        app.register_blueprint(blueprint)
        datastar.init_app(app)
        return app

    first, second = create_app("first"), create_app("second")

    for app, text in ((first, "first"), (second, "second")):
        assert DatastarClient(app).client.get("/shop/page").text == text
        assert DatastarClient(app).post("/shop/ds/g/act").html == f"<p id='a'>{text}</p>"


def test_blueprint_declared_again_replaces_its_view(make_app: MakeApp) -> None:
    datastar, blueprint = Datastar(), Blueprint("shop", __name__)
    app = make_app(datastar)
    declare(datastar, "oldest", blueprint=blueprint)
    declare(datastar, "old", blueprint=blueprint)
    app.register_blueprint(blueprint)
    assert app.test_client().get("/page").text == "old"

    declare(datastar, "new", blueprint=blueprint)

    assert app.test_client().get("/page").text == "new"
    assert DatastarClient(app).post("/ds/g/act").html == "<p id='a'>new</p>"


def test_blueprints_guards_and_error_handlers_hold_for_page_and_events(app: Flask, datastar: Datastar) -> None:
    blueprint = Blueprint("bp", __name__, url_prefix="/bp")
    app.add_url_rule("/login", "login", lambda: "login")

    @blueprint.before_request
    def guard() -> ResponseReturnValue | None:
        return None if "user" in session else redirect(url_for("login"))

    @blueprint.errorhandler(418)
    def teapot(error: Exception) -> ResponseReturnValue:
        return "short and stout", 418

    @datastar.view("/page", blueprint)
    class CartView(Page):
        def show(self) -> None:
            abort(418)

        @event
        def act(self) -> None:
            abort(418)

    app.register_blueprint(blueprint)
    tab = DatastarClient(app)

    assert tab.client.get("/bp/page").headers["Location"] == "/login"
    assert "window.location.href" in tab.post(CartView, "act").html
    with tab.client.session_transaction() as opened:
        opened["user"] = "Ada"
    assert tab.client.get("/bp/page").text == tab.post(CartView, "act").response.text == "short and stout"


def test_view_functions_bear_the_names_of_class_and_method(app: Flask, datastar: Datastar) -> None:
    declare(datastar, "text")

    page, act = app.view_functions["cart_view"], app.view_functions["datastar.g:act"]
    assert (page.__module__, page.__name__) == (__name__, "cart_view")
    assert (act.__module__, act.__name__) == (__name__, "act")


def test_main_modules_view_has_the_name_that_others_import(monkeypatch: pytest.MonkeyPatch, datastar: Datastar) -> None:
    main = types.ModuleType("__main__")
    main.__file__ = "/srv/stall.py"
    monkeypatch.setitem(sys.modules, "__main__", main)

    class CartView(Page):
        __module__ = "__main__"

        @event
        def add(self) -> None: ...

    datastar.view("/")(CartView)

    assert [handler.group for handler in datastar.handlers] == ["stall-cart_view"]


@pytest.mark.parametrize("has_blueprint", [False, True])
def test_text_in_place_of_a_list_of_verbs_is_refused(datastar: Datastar, has_blueprint: bool) -> None:
    blueprint = Blueprint("shop", __name__) if has_blueprint else None

    with pytest.raises(SetupError, match=r"^view tests\..*Page: methods is 'POST'; accepted: a list of verbs$"):

        @datastar.view("/", blueprint, methods="POST")
        class Page(StarView): ...
