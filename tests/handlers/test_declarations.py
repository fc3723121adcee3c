"""Declarations: duplicates, reloads, blueprints, several apps, several instances."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from flask import Blueprint, Flask, Response, abort
from flask.typing import ResponseReturnValue

from flask_datastar import Datastar, sse
from flask_datastar.errors import SetupError
from flask_datastar.testing import DatastarClient
from tests.conftest import MakeApp
from tests.support.actions import keyed


def rules(app: Flask) -> dict[str, str]:
    """Endpoint → rule of all handlers."""
    return {rule.endpoint: rule.rule for rule in app.url_map.iter_rules() if ":" in rule.endpoint}


def test_another_function_under_a_taken_name_is_refused(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.handler(group="cart", name="add")
    def first() -> str:
        return "<p id='first'></p>"

    with pytest.raises(
        SetupError,
        match=r"^two handlers are called cart:add: cart:add \(.*first\) and cart:add \(.*second\); give one of them",
    ):

        @datastar.handler(group="cart", name="add")
        def second() -> None: ...

    assert tab.post(first).html == "<p id='first'></p>"


def test_function_may_be_declared_under_two_names(app: Flask, datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.handler(name="add")
    @datastar.handler(name="put")
    def act() -> str:
        return "<p id='a'></p>"

    assert tab.post(act, "add").html == tab.post(act, "put").html == "<p id='a'></p>"
    assert [handler.name for handler in datastar.handlers] == ["put", "add"]


def hide(function: Callable[[], str]) -> Callable[[], str]:
    """Wrap a function without ``functools.wraps``."""

    def wrapper(*args: Any, **kwargs: Any) -> str:
        return function(*args, **kwargs)

    return wrapper


def test_functions_whose_names_a_decorator_hides_do_not_replace_each_other(
    datastar: Datastar, tab: DatastarClient
) -> None:
    @datastar.handler
    @hide
    def add() -> str:
        return "<p id='add'></p>"

    with pytest.raises(
        SetupError, match=r"tests-handlers-test_declarations:wrapper, because a decorator hides .* functools.wraps in "
    ):

        @datastar.handler
        @hide
        def remove() -> str:
            return "<p id='remove'></p>"

    assert tab.post(add).html == "<p id='add'></p>"


def test_functions_whose_names_a_decorator_hides_may_have_names(datastar: Datastar, tab: DatastarClient) -> None:
    add = datastar.handler(name="add")(hide(lambda: "<p id='add'></p>"))
    remove = datastar.handler(name="remove")(hide(lambda: "<p id='remove'></p>"))

    assert tab.post(add).html == "<p id='add'></p>"
    assert tab.post(remove).html == "<p id='remove'></p>"


def test_function_whose_name_a_decorator_hides_may_be_declared_again(datastar: Datastar, tab: DatastarClient) -> None:
    def declare_hidden(text: str) -> Callable[[], str]:
        @datastar.handler(group="g")
        @hide
        def act() -> str:
            return f"<p id='a'>{text}</p>"

        return act

    first = declare_hidden("first")
    declare_hidden("second")

    assert tab.post(first).html == "<p id='a'>second</p>"


def test_function_is_found_among_the_other_things_that_its_decorator_keeps(datastar: Datastar) -> None:
    def hide_with(a_label: str) -> Callable[[Callable[[], str]], Callable[[], str]]:
        def decorate(function: Callable[[], str]) -> Callable[[], str]:
            def wrapper(*args: Any, **kwargs: Any) -> str:
                return a_label + function(*args, **kwargs)

            return wrapper

        return decorate

    @datastar.handler
    @hide_with("1")
    def add() -> str:
        return ""

    with pytest.raises(SetupError, match="because a decorator hides their names"):

        @datastar.handler
        @hide_with("2")
        def remove() -> str:
            return ""


def test_function_of_anything_that_wraps_nothing_may_be_declared_again(datastar: Datastar, tab: DatastarClient) -> None:
    def declare_one(text: str) -> Callable[..., str]:
        @datastar.handler(group="g")
        def act(*args: Any) -> str:
            return f"<p id='a'>{text}</p>"

        return act

    first = declare_one("first")
    declare_one("second")

    assert tab.post(first).html == "<p id='a'>second</p>"


def declare(datastar: Datastar, text: str, **options: Any) -> Callable[[], str]:
    """Declare a function of the same module and name each time, as a reload does."""

    @datastar.handler(group="g", **options)
    def act() -> str:
        return f"<p id='a'>{text}</p>"

    return act


def test_same_function_declared_again_replaces_itself(app: Flask, datastar: Datastar, tab: DatastarClient) -> None:
    old = declare(datastar, "old")
    assert tab.post(old).html == "<p id='a'>old</p>"

    declare(datastar, "new")

    assert tab.post("/ds/g/act").html == "<p id='a'>new</p>"
    assert len(datastar.handlers) == len(rules(app)) == 1
    # An action that names the function as it was before finds the new one.
    with app.test_request_context():
        assert datastar.post(old).js == keyed("@post('/ds/g/act')")


def test_same_function_declared_again_with_other_methods_is_refused(datastar: Datastar) -> None:
    declare(datastar, "old")

    with pytest.raises(
        SetupError, match=r"^handler g:act \(.*\) is declared again with another blueprint or other meth"
    ):
        declare(datastar, "new", methods=["GET"])


def test_same_function_declared_again_in_a_blueprint_is_refused(datastar: Datastar) -> None:
    declare(datastar, "old")

    with pytest.raises(SetupError, match="is declared again with another blueprint or other methods; restart the proc"):
        declare(datastar, "new", blueprint=Blueprint("shop", __name__))


def test_factory_called_twice_makes_two_working_apps() -> None:
    datastar = Datastar()

    def create_app(greeting: str) -> Flask:
        app = Flask(greeting)
        blueprint = Blueprint("shop", __name__, url_prefix="/shop")
        declare(datastar, greeting, blueprint=blueprint)

        @datastar.handler(group="g")
        def plain() -> str:
            return f"<p id='plain'>{greeting}</p>"

        app.register_blueprint(blueprint)
        datastar.init_app(app)
        return app

    first, second = create_app("first"), create_app("second")

    # Each app keeps the blueprint's handler that was declared with its own blueprint.
    assert DatastarClient(first).post("/shop/ds/g/act").html == "<p id='a'>first</p>"
    assert DatastarClient(second).post("/shop/ds/g/act").html == "<p id='a'>second</p>"
    # Without one, the declaration belongs to the instance and serves all its apps: the last one counts.
    assert DatastarClient(first).post("/ds/g/plain").html == "<p id='plain'>second</p>"
    assert DatastarClient(second).post("/ds/g/plain").html == "<p id='plain'>second</p>"


def test_blueprint_declared_again_replaces_its_handler_where_it_is_registered(make_app: MakeApp) -> None:
    datastar = Datastar()
    app = make_app(datastar)
    blueprint = Blueprint("shop", __name__)
    declare(datastar, "old", blueprint=blueprint)
    app.register_blueprint(blueprint)

    declare(datastar, "new", blueprint=blueprint)

    assert DatastarClient(app).post("/ds/g/act").html == "<p id='a'>new</p>"


def test_handler_declared_after_the_first_request_works(app: Flask, datastar: Datastar, tab: DatastarClient) -> None:
    assert tab.client.get("/").status_code == 404

    assert tab.post(declare(datastar, "late")).html == "<p id='a'>late</p>"


def test_handler_declared_after_its_blueprint_was_registered_is_refused(app: Flask, datastar: Datastar) -> None:
    blueprint = Blueprint("shop", __name__)
    app.register_blueprint(blueprint)

    with pytest.raises(
        SetupError,
        match=r"^handler g:act \(.*\) is declared after its blueprint 'shop' was registered; declare it before",
    ):
        declare(datastar, "late", blueprint=blueprint)

    assert datastar.handlers == ()
    declare(datastar, "without blueprint")


@pytest.mark.parametrize("register_first", [True, False])
@pytest.mark.parametrize("declare_first", [True, False])
def test_blueprint_may_come_before_and_after_init_app(register_first: bool, declare_first: bool) -> None:
    app, datastar, blueprint = Flask("shop"), Datastar(), Blueprint("bp", __name__, url_prefix="/bp")
    if declare_first:
        declare(datastar, "it", blueprint=blueprint)
        if register_first:
            app.register_blueprint(blueprint)
        datastar.init_app(app)
    else:
        datastar.init_app(app)
        declare(datastar, "it", blueprint=blueprint)
    if not (declare_first and register_first):
        app.register_blueprint(blueprint)

    assert rules(app) == {"bp.g:act": "/bp/ds/g/act"}
    assert DatastarClient(app).post("/bp/ds/g/act").html == "<p id='a'>it</p>"


def test_refused_declaration_leaves_the_earlier_one(app: Flask, datastar: Datastar) -> None:
    used, unused = Blueprint("shop", __name__), Blueprint("shop", __name__)
    app.register_blueprint(used)
    declare(datastar, "first", blueprint=unused)

    with pytest.raises(SetupError, match="is declared after its blueprint"):
        declare(datastar, "second", blueprint=used)

    app.register_blueprint(unused, name="shop again", url_prefix="/again")
    assert DatastarClient(app).post("/again/ds/g/act").html == "<p id='a'>first</p>"


def test_blueprint_made_anew_before_the_first_was_registered_installs_each_its_own(make_app: MakeApp) -> None:
    datastar = Datastar()
    apps = make_app(datastar), make_app(datastar)
    blueprints = Blueprint("shop", __name__), Blueprint("shop", __name__)
    for blueprint, text in zip(blueprints, ("first", "second"), strict=True):
        declare(datastar, text, blueprint=blueprint)

    for app, blueprint in zip(apps, blueprints, strict=True):
        app.register_blueprint(blueprint)

    assert [DatastarClient(app).post("/ds/g/act").html for app in apps] == [
        "<p id='a'>first</p>",
        "<p id='a'>second</p>",
    ]


def test_app_that_is_never_initialised_keeps_no_handler() -> None:
    datastar, blueprint, app = Datastar(), Blueprint("bp", __name__), Flask("shop")
    declare(datastar, "it", blueprint=blueprint)
    app.register_blueprint(blueprint)

    assert rules(app) == {}


def test_blueprint_handler_is_behind_its_guards(app: Flask, datastar: Datastar, tab: DatastarClient) -> None:
    blueprint = Blueprint("admin", __name__, url_prefix="/admin")
    log: list[str] = []

    @blueprint.before_request
    def guard() -> None:
        log.append("before")
        if not tab.client.application.config.get("ADMIN"):
            abort(401)

    @blueprint.after_request
    def after(response: Response) -> Response:
        log.append(f"after {response.status_code} {response.content_length}")
        return response

    @blueprint.errorhandler(401)
    def refuse(error: Exception) -> ResponseReturnValue:
        return "log in first", 401

    act = None
    act = declare(datastar, "secret", blueprint=blueprint)
    app.register_blueprint(blueprint)

    refused = tab.post(act).response
    assert (refused.status_code, refused.text) == (401, "log in first")
    app.config["ADMIN"] = True
    answer = tab.post(act)

    assert answer.html == "<p id='a'>secret</p>"
    assert log == ["before", "after 401 12", "before", f"after 200 {len(answer.response.data)}"]


def test_blueprint_errorhandler_takes_the_handlers_errors(app: Flask, datastar: Datastar, tab: DatastarClient) -> None:
    blueprint = Blueprint("shop", __name__)

    @blueprint.errorhandler(KeyError)
    def show(error: KeyError) -> ResponseReturnValue:
        return datastar.patch_elements("<p id='error'>gone</p>")

    @datastar.handler(blueprint=blueprint)
    def act() -> None:
        datastar.signal("half", 1)
        raise KeyError("gone")

    app.register_blueprint(blueprint)

    assert tab.post(act).events == (sse.patch_elements("<p id='error'>gone</p>"),)


def test_nested_blueprint_handler_has_the_whole_prefix_and_name(app: Flask, datastar: Datastar) -> None:
    parent, child = Blueprint("parent", __name__, url_prefix="/parent"), Blueprint("child", __name__)
    act = declare(datastar, "nested", blueprint=child)
    parent.register_blueprint(child, url_prefix="/child")
    app.register_blueprint(parent)

    assert rules(app) == {"parent.child.g:act": "/parent/child/ds/g/act"}
    assert DatastarClient(app).post(act).html == "<p id='a'>nested</p>"


def test_blueprint_registered_twice_has_two_endpoints(app: Flask, datastar: Datastar) -> None:
    blueprint = Blueprint("shop", __name__)
    act = declare(datastar, "old", blueprint=blueprint)

    @blueprint.get("/")
    def index() -> str:
        return datastar.post(act).js

    app.register_blueprint(blueprint, url_prefix="/one")
    app.register_blueprint(blueprint, url_prefix="/two", name="second")

    assert rules(app) == {"shop.g:act": "/one/ds/g/act", "second.g:act": "/two/ds/g/act"}
    # A page of one registration means that one's handler.
    assert app.test_client().get("/one/").text == keyed("@post('/one/ds/g/act')")
    assert app.test_client().get("/two/").text == keyed("@post('/two/ds/g/act')")
    with app.test_request_context():
        assert datastar.post(act).js == keyed("@post('/one/ds/g/act')")
    declare(datastar, "new", blueprint=blueprint)
    for path in ("/one/ds/g/act", "/two/ds/g/act"):
        assert DatastarClient(app).post(path).html == "<p id='a'>new</p>"


def test_handlers_declared_before_and_after_serve_all_apps(make_app: MakeApp) -> None:
    datastar = Datastar()
    early = declare(datastar, "early")
    apps = make_app(datastar), make_app(datastar)

    @datastar.handler
    def late() -> str:
        return "<p id='late'></p>"

    for app in apps:
        tab = DatastarClient(app)
        assert tab.post(early).html == "<p id='a'>early</p>"
        assert tab.post(late).html == "<p id='late'></p>"


def test_two_instances_share_no_handlers(make_app: MakeApp) -> None:
    first, second = Datastar(), Datastar()
    apps = make_app(first), make_app(second)
    declare(first, "first")

    assert rules(apps[1]) == {}
    assert DatastarClient(apps[1]).post("/ds/g/act").status_code == 404
    declare(second, "second")
    assert DatastarClient(apps[0]).post("/ds/g/act").html == "<p id='a'>first</p>"
    assert DatastarClient(apps[1]).post("/ds/g/act").html == "<p id='a'>second</p>"


def test_dropped_app_is_not_kept_by_the_instance() -> None:
    datastar = Datastar()
    datastar.init_app(Flask("dropped"))
    gc.collect()

    declare(datastar, "it")

    app = Flask("kept")
    datastar.init_app(app)
    assert rules(app) == {"datastar.g:act": "/ds/g/act"}


def test_dropped_app_without_the_extension_is_not_kept_for_its_blueprints() -> None:
    datastar, blueprint = Datastar(), Blueprint("bp", __name__)
    declare(datastar, "it", blueprint=blueprint)
    app = Flask("dropped")
    app.register_blueprint(blueprint)
    kept = weakref.ref(app)

    del app
    gc.collect()

    assert kept() is None


def test_instance_leaves_the_handlers_of_another_one_alone() -> None:
    first, second = Datastar(), Datastar()
    blueprint = Blueprint("shop", __name__)

    @first.handler(group="g", blueprint=blueprint)
    def own() -> None: ...

    @second.handler(group="g", blueprint=blueprint)
    def foreign() -> None: ...

    app = Flask("shop")
    app.register_blueprint(blueprint)
    first.init_app(app)

    assert rules(app) == {"shop.g:own": "/ds/g/own"}
