"""Handlers under decorators of other extensions, which look at what the view function shows of itself."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, get_type_hints

import pytest
from flask import Blueprint, Flask, current_app, make_response, request

from flask_datastar import Datastar, Signals, StarView, event
from flask_datastar.testing import DatastarClient

Function = Callable[..., Any]


def measure(function: Function) -> Function:
    """Decorate as metrics do that convert what a view returns: if the endpoint's function is, at its core, this one."""

    @wraps(function)
    def measured(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        assert request.endpoint is not None
        view: Any = current_app.view_functions[request.endpoint]
        while view is not function and hasattr(view, "__wrapped__"):
            view = view.__wrapped__
        return make_response(result) if view is function else result

    return measured


def inject(app: Flask) -> None:
    """Give every view function the arguments that its annotations ask for, as injectors do after all is declared."""
    for endpoint, view in list(app.view_functions.items()):
        hints = {name: hint for name, hint in get_type_hints(view).items() if hint in (int, str, list)}

        def injected(*args: Any, view: Function = view, hints: dict[str, Any] = hints, **values: Any) -> Any:
            return view(*args, **{name: hint() for name, hint in hints.items()}, **values)

        app.view_functions[endpoint] = injected


@pytest.fixture(params=["dispatcher", "blueprint"])
def declared(request: pytest.FixtureRequest, app: Flask, datastar: Datastar) -> Flask:
    """An app with every kind of handler, each measured."""
    blueprint = Blueprint("shop", __name__) if request.param == "blueprint" else None
    common: dict[str, Any] = {"group": "g", "blueprint": blueprint}

    @datastar.handler(**common)
    @measure
    def nothing(count: int = 0) -> None:
        """Set a signal."""
        datastar.signal("got", count)

    @datastar.handler(**common)
    @measure
    def html(count: int = 0) -> str:
        return f"<p id='a'>{count}</p>"

    @datastar.handler(**common)
    @measure
    def signals(count: int = 0) -> Signals:
        return {"got": count}

    @datastar.handler(**common)
    @measure
    def generator(count: int = 0) -> Iterator[Signals]:
        yield {"got": count}

    @datastar.stream(**common)
    @measure
    def stream(count: int = 0) -> Iterator[Signals]:
        yield {"got": count}

    @datastar.view("/<int:start>", blueprint, group="v")
    class Page(StarView):
        decorators = (measure,)

        def html(self) -> str:
            return "page"

        @event
        @measure
        def add(self, count: int = 0) -> Signals:
            return {"got": count}

    if blueprint is not None:
        app.register_blueprint(blueprint)
    return app


@pytest.mark.parametrize("is_injected", [False, True])
def test_handlers_get_and_send_what_they_do_without_decorators(declared: Flask, is_injected: bool) -> None:
    if is_injected:
        inject(declared)
    tab = DatastarClient(declared, {"count": 41})

    assert tab.post("g.nothing").patched == {"got": 41}
    assert tab.post("g.html").html == "<p id='a'>41</p>"
    assert tab.post("g.signals").patched == {"got": 41}
    assert tab.post("g.generator").patched == {"got": 41}
    assert tab.post("v.add", start=1).patched == {"got": 41}
    assert next(tab.iter_events("g.stream", method="GET", count=41)).arguments == {"signals": '{"got":41}'}
    assert tab.client.get("/1").text == "page"


def test_view_function_shows_of_itself_what_is_true_of_it(declared: Flask) -> None:
    for endpoint, view in declared.view_functions.items():
        if endpoint == "static":
            continue
        assert not hasattr(view, "__wrapped__"), endpoint
        assert get_type_hints(view) == {}, endpoint
        assert (view.__defaults__, view.__kwdefaults__) == (None, None)
        # Flask calls it with the values of the URL, by name.
        assert [str(parameter) for parameter in inspect.signature(view).parameters.values()] == ["**url_values"]
        assert view.__module__ == __name__, endpoint
    names = {view.__name__ for view in declared.view_functions.values()}
    assert names == {"<lambda>", "nothing", "html", "signals", "generator", "stream", "page", "add"}


def test_marks_of_other_extensions_are_on_the_view_function_too(app: Flask, datastar: Datastar) -> None:
    def mark(function: Any) -> Any:
        function.limit = "1 per minute"
        function.__signature__ = inspect.Signature()
        return function

    @datastar.handler(group="g")
    @mark
    @measure
    def act(count: int = 0) -> None:
        """Do it."""

    view = app.view_functions["datastar.g:act"]

    assert view.limit == "1 per minute"  # type: ignore[attr-defined]
    assert (view.__name__, view.__qualname__, view.__doc__) == (act.__name__, act.__qualname__, "Do it.")
    assert list(inspect.signature(view).parameters) == ["url_values"]


def test_decorators_of_a_view_get_a_function_that_shows_what_is_true_of_it(app: Flask, datastar: Datastar) -> None:
    seen: list[tuple[str, list[str], dict[str, Any]]] = []

    def look(function: Function) -> Function:
        seen.append((function.__name__, list(inspect.signature(function).parameters), get_type_hints(function)))
        return function

    @datastar.view("/<int:start>", group="v")
    class Page(StarView):
        decorators = (look,)

        @event
        def add(self, count: int = 0) -> None: ...

        def handle_event(self, event: str, signals: Signals) -> None: ...

    assert seen == [(name, ["url_values"], {}) for name in ("page", "add", "handle_event")]


def test_decorator_may_give_an_argument_that_its_signature_leaves_out(app: Flask, datastar: Datastar) -> None:
    def with_user(function: Function) -> Function:
        @wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return function(*args, user="Ada", **kwargs)

        signature = inspect.signature(function)
        given = [parameter for name, parameter in signature.parameters.items() if name != "user"]
        wrapper.__signature__ = signature.replace(parameters=given)  # type: ignore[attr-defined]
        return wrapper

    @datastar.handler(group="g")
    @with_user
    def act(count: int, user: str) -> Signals:
        return {"got": [count, user]}

    assert DatastarClient(app, {"count": "3", "user": "Eve"}).post(act).patched == {"got": [3, "Ada"]}
