"""Actions by an event's name alone: around which view or handler it is looked for, and in which order."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import pytest
from flask import Blueprint, Flask, abort
from flask.testing import FlaskClient
from flask.views import View

from flask_datastar import Datastar, StarView, event
from flask_datastar.errors import SetupError
from flask_datastar.testing import DatastarClient
from tests.conftest import MakeApp
from tests.support.actions import keyed


def declare(datastar: Datastar, module: str, group: str, name: str = "add") -> None:
    """Declare a handler as a Python module of that name does it."""

    def handler() -> None: ...

    handler.__module__, handler.__qualname__ = module, f"{group}_{name}"
    datastar.handler(group=group, name=name)(handler)


def page_in(module: str, datastar: Datastar) -> Callable[[], str]:
    """Make a view function as a Python module of that name has it, which shows the action ``add``."""

    def page() -> str:
        return datastar.post("add").js

    page.__module__ = module
    return page


def guarded(view: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a view, and leave the module of the decorator to be seen."""

    @wraps(view, assigned=("__name__",))
    def guard(**values: Any) -> Any:
        return view(**values)

    return guard


@pytest.fixture(autouse=True)
def two_modules(datastar: Datastar) -> None:
    """Two modules, each with a handler ``add`` in a group that is not called as the module."""
    declare(datastar, "shop.board", "cards")
    declare(datastar, "shop.todo", "items")


@pytest.mark.parametrize(
    "wrap",
    [
        lambda view: view,
        guarded,
        lambda view: guarded(guarded(view)),
        partial,
        lambda view: partial(guarded(partial(view))),
    ],
    ids=["plain", "decorated", "decorated twice", "partial", "partial of a decorated partial"],
)
def test_handler_beside_the_view_comes_before_others(
    app: Flask, datastar: Datastar, client: FlaskClient, wrap: Callable[..., Any]
) -> None:
    inner = Blueprint("inner", __name__)
    inner.add_url_rule("/todo", "page", wrap(page_in("shop.todo", datastar)))
    outer = Blueprint("outer", __name__, url_prefix="/outer")
    outer.register_blueprint(inner)
    app.register_blueprint(outer)
    app.add_url_rule("/board", "board", wrap(page_in("shop.board", datastar)))

    assert client.get("/board").text == keyed("@post('/ds/cards/add')")
    assert client.get("/outer/todo").text == keyed("@post('/ds/items/add')")


@pytest.mark.parametrize("decorators", [[], [guarded]], ids=["plain", "decorated"])
def test_module_of_a_class_based_view_is_that_of_its_class(
    app: Flask, datastar: Datastar, client: FlaskClient, decorators: list[Any]
) -> None:
    class Base(View):
        def dispatch_request(self) -> str:
            return datastar.post("add").js

    page = type("Page", (Base,), {"__module__": "shop.todo", "decorators": decorators})
    app.add_url_rule("/", "page", guarded(page.as_view("page")))

    assert client.get("/").text == keyed("@post('/ds/items/add')")


def test_group_of_the_views_module_comes_first(app: Flask, datastar: Datastar, client: FlaskClient) -> None:
    declare(datastar, "shop.elsewhere", "shop-todo")
    app.add_url_rule("/", "page", guarded(page_in("shop.todo", datastar)))

    assert client.get("/").text == keyed("@post('/ds/shop-todo/add')")


def test_handler_beside_the_running_handler_comes_before_others(app: Flask, datastar: Datastar) -> None:
    blueprint = Blueprint("board", __name__)
    datastar.handler(group="other", name="show")(page_in("shop.todo", datastar))
    datastar.handler(group="another", name="show", blueprint=blueprint)(page_in("shop.board", datastar))
    app.register_blueprint(blueprint)
    tab = DatastarClient(app)

    assert tab.post("other.show").html == keyed("@post('/ds/items/add')")
    assert tab.post("another.show").html == keyed("@post('/ds/cards/add')")


@pytest.mark.parametrize("own", [False, True], ids=["beside the class", "its own"])
def test_views_own_events_come_first_then_handlers_beside_its_class(
    app: Flask, datastar: Datastar, client: FlaskClient, own: bool
) -> None:
    class Base(StarView):
        def html(self) -> str:
            return datastar.post("add").js

        @event
        def show_again(self) -> str:
            return datastar.post("add").js

    def add(self: Base) -> None: ...

    # The event is inherited from a class of another module than the view's.
    Base.show_again.__module__ = "shop.board"
    add.__module__, add.__qualname__ = "shop.todo", "Page.add"
    events = {"add": event(add)} if own else {}
    page = type("Page", (Base,), {"__module__": "shop.todo", **events})
    datastar.view("/", group="page")(page)
    expected = keyed("@post('/ds/page/add')") if own else keyed("@post('/ds/items/add')")

    assert client.get("/").text == expected
    assert DatastarClient(app).post("page.show_again").html == expected


def test_stream_finds_what_is_declared_beside_it(app: Flask, datastar: Datastar) -> None:
    def live() -> Any:
        yield datastar.console_log(datastar.post("add").js)

    live.__module__ = "shop.todo"
    datastar.stream(group="other")(live)

    assert "/ds/items/add" in DatastarClient(app).get("other.live").response.text


def test_error_page_counts_as_a_part_of_the_view_that_failed(
    app: Flask, datastar: Datastar, client: FlaskClient
) -> None:
    def failing() -> str:
        abort(410)

    failing.__module__ = "shop.todo"
    app.add_url_rule("/", "page", failing)
    app.register_error_handler(410, lambda error: datastar.post("add").js)

    assert client.get("/").text == keyed("@post('/ds/items/add')")


def test_error_page_without_a_view_has_no_surroundings(app: Flask, datastar: Datastar, client: FlaskClient) -> None:
    app.register_error_handler(404, lambda error: datastar.post("add").js)

    with pytest.raises(SetupError, match=r"^several handlers fit 'add': cards:add .*, items:add"):
        client.get("/missing")


@pytest.mark.parametrize("module", ["shop.elsewhere", None])
def test_view_in_another_module_is_told_the_candidates(
    app: Flask, datastar: Datastar, client: FlaskClient, module: Any
) -> None:
    app.add_url_rule("/", "page", page_in(module, datastar))

    with pytest.raises(SetupError, match=r"^several handlers fit 'add': cards:add .*, items:add"):
        client.get("/")


def test_two_handlers_beside_the_view_are_ambiguous(app: Flask, datastar: Datastar, client: FlaskClient) -> None:
    declare(datastar, "shop.todo", "archive")
    app.add_url_rule("/", "page", page_in("shop.todo", datastar))

    with pytest.raises(SetupError, match=r"^several handlers fit 'add': cards:add .*, items:add .*, archive:add"):
        client.get("/")


def test_only_one_in_the_app_is_found_from_everywhere(app: Flask, datastar: Datastar, client: FlaskClient) -> None:
    declare(datastar, "shop.elsewhere", "other", "remove")
    app.add_url_rule("/", "page", guarded(lambda: datastar.post("remove").js))

    assert client.get("/").text == keyed("@post('/ds/other/remove')")


def test_without_a_request_nothing_runs(app: Flask, datastar: Datastar) -> None:
    with app.app_context(), pytest.raises(SetupError, match=r"^several handlers fit 'add'"):
        datastar.post("add")


def test_each_of_two_apps_has_its_own_running_view(make_app: MakeApp, app: Flask, datastar: Datastar) -> None:
    other = make_app(datastar, DATASTAR_URL_PREFIX="/other")
    app.add_url_rule("/", "page", page_in("shop.board", datastar))
    other.add_url_rule("/", "page", page_in("shop.todo", datastar))

    assert app.test_client().get("/").text == keyed("@post('/ds/cards/add')")
    assert other.test_client().get("/").text == keyed("@post('/other/items/add')")


@pytest.mark.parametrize("is_known", [False, True], ids=["neither", "one"])
def test_only_one_in_the_app_is_alone_whatever_other_apps_have(make_app: MakeApp, is_known: bool) -> None:
    datastar = Datastar()
    here, there = (Blueprint(name, __name__, url_prefix=f"/{name}") for name in ("here", "there"))
    datastar.handler(name="add", blueprint=here)(page_in("shop.board", datastar))
    datastar.handler(name="add", blueprint=there)(page_in("shop.todo", datastar))
    make_app(datastar).register_blueprint(there)
    app = make_app(datastar)
    if is_known:
        app.register_blueprint(here)

    with app.test_request_context():
        if is_known:
            assert datastar.post("add").js == keyed("@post('/here/ds/shop-board/add')")
        else:
            with pytest.raises(SetupError, match=r"^several handlers fit 'add': shop-board:add .*, shop-todo:add"):
                datastar.post("add")
