"""Parameters of actions: one that the handler does not have is an error when the page is rendered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Annotated, Any

import pytest
from flask import Blueprint, Flask, render_template_string, request

from flask_datastar import Datastar, Signal, Signals, StarView, event
from flask_datastar.errors import SetupError
from flask_datastar.testing import DatastarClient
from tests.support.actions import keyed

pytestmark = pytest.mark.usefixtures("req_ctx")


def test_misspelt_parameter_is_refused_with_the_nearest_and_all(datastar: Datastar) -> None:
    @datastar.handler(group="g")
    def move(id: int, column: int = 0) -> None: ...

    with pytest.raises(
        SetupError,
        match=r"^handler g:move \(.*move\) has no parameter 'colum'; it takes column, id\. Did you mean 'column'\?$",
    ):
        render_template_string("{{ datastar.post('move', colum=2) }}")
    with pytest.raises(SetupError, match=r"has no parameters 'b', 'a'; it takes column, id$"):
        datastar.post(move, b=1, id=3, a=None)
    assert datastar.post(move, column=2, id=1).js == keyed("@post('/ds/g/move?column=2&id=1')")


@pytest.mark.parametrize("verb", ["get", "post", "put", "patch", "delete", "query"])
def test_every_verb_looks_at_the_parameters(datastar: Datastar, verb: str) -> None:
    @datastar.handler(group="g", methods=[verb])
    def act() -> None: ...

    with pytest.raises(SetupError, match=r"^handler g:act \(.*act\) has no parameter 'id'; it takes none$"):
        getattr(datastar, verb)("act", id=1)


def test_expression_for_a_parameter_that_is_not_there_is_refused(datastar: Datastar) -> None:
    @datastar.handler(group="g")
    def act(id: int) -> None: ...

    assert datastar.post("act", id=datastar.expr("$id")).js == keyed("@post('/ds/g/act?id=' + encodeURIComponent($id))")
    with pytest.raises(SetupError, match=r"has no parameter 'ids'; it takes id\. Did you mean 'id'"):
        datastar.post("act", ids=datastar.expr("$id"))


def test_handler_of_all_signals_takes_no_parameter(datastar: Datastar) -> None:
    @datastar.handler(group="g")
    def act(signals: Signals) -> None: ...

    # The browser sends them; the URL carries none.
    for name in ("id", "signals"):
        with pytest.raises(SetupError, match=rf"has no parameter '{name}'; it takes none$"):
            datastar.post("act", **{name: 1})


def test_parameter_that_is_marked_as_a_signal_is_no_parameter_of_the_url(datastar: Datastar) -> None:
    @datastar.handler(group="g")
    def act(name: Annotated[str, Signal("user.name")], id: int = 0) -> None: ...

    with pytest.raises(SetupError, match=r"has no parameter 'name'; it takes id$"):
        datastar.post("act", name="Ada")


def test_annotation_that_is_defined_later_hides_no_parameter(datastar: Datastar) -> None:
    @datastar.handler(group="g")
    def act(id: Late, other: int = 0) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    assert datastar.post("act", id=1).js == keyed("@post('/ds/g/act?id=1')")
    with pytest.raises(SetupError, match="has no parameter 'di'; it takes id, other"):
        datastar.post("act", di=1)


def test_handler_with_keywords_takes_any_parameter(datastar: Datastar, app: Flask) -> None:
    @datastar.handler(group="g")
    def act(**more: Any) -> Signals:
        return {"args": request.args.get("board")}

    assert datastar.post("act", board=1).js == keyed("@post('/ds/g/act?board=1')")
    assert DatastarClient(app).post(act, board=1).patched == {"args": "1"}


def test_decorated_handler_has_the_parameters_of_the_function(datastar: Datastar) -> None:
    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return wrapper

    def hide(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *args, **kwargs: function(*args, **kwargs)

    @decorate
    def shown(id: int) -> None: ...

    datastar.handler(group="g")(shown)
    datastar.handler(group="g", name="hidden")(hide(shown))

    with pytest.raises(SetupError, match="has no parameter 'no'; it takes id"):
        datastar.post("shown", no=1)
    # Nothing is known of it.
    assert datastar.post("hidden", no=1).js == keyed("@post('/ds/g/hidden?no=1')")


def test_path_values_of_a_blueprint_are_parameters(app: Flask, datastar: Datastar) -> None:
    blueprint = Blueprint("shop", __name__, url_prefix="/<lang>/<int:order>")
    # The preprocessor takes it, so the handler does not have it.
    blueprint.url_value_preprocessor(lambda endpoint, values: values and values.pop("lang"))

    @datastar.handler(group="g", blueprint=blueprint)
    def act(order: int, page: int = 1) -> Signals:
        return {"got": [order, page]}

    app.register_blueprint(blueprint)

    assert datastar.post("act", lang="de", order=7, page=2).js == keyed("@post('/de/7/ds/g/act?page=2')")
    assert DatastarClient(app).post(act, lang="de", order=7, page=2).patched == {"got": [7, 2]}
    with pytest.raises(SetupError, match="has no parameter 'pages'; it takes lang, order, page"):
        datastar.post("act", lang="de", order=7, pages=2)


def test_parameters_of_a_views_url_are_parameters_of_its_events(app: Flask, datastar: Datastar) -> None:
    @datastar.view("/counter/<int:start>", group="v", defaults={"step": 1})
    class Counter(StarView):
        def load(self, start: int, step: int) -> None: ...

        @event
        def add(self, count: int = 0) -> None: ...

        @event(name="none")
        def nothing(self) -> None: ...

    assert datastar.post(Counter, "add", start=3, count=1).js == keyed("@post('/ds/v/add?start=3&count=1')")
    assert datastar.post(Counter, "none", start=3).js == keyed("@post('/ds/v/none?start=3')")
    with pytest.raises(SetupError, match=r"^handler v:add \(.*\) has no parameter 'counts'; it takes count, start\."):
        datastar.post(Counter, "add", start=3, counts=1)
    # No page of this view has another step.
    for name in ("self", "step"):
        with pytest.raises(SetupError, match=rf"has no parameter '{name}'; it takes start"):
            datastar.post(Counter, "none", start=3, **{name: 1})


def test_handle_event_takes_any_parameter(app: Flask, datastar: Datastar) -> None:
    @datastar.view("/", group="v")
    class Page(StarView):
        def handle_event(self, event: str, signals: Signals) -> Signals:
            return {"got": [event, request.args["row"]]}

    assert datastar.post(Page, "remove", row=3).js == keyed("@post('/ds/v/remove?row=3')")
    assert DatastarClient(app).post(Page, "remove", row=3).patched == {"got": ["remove", "3"]}


def test_streams_have_parameters_too(datastar: Datastar) -> None:
    @datastar.stream(group="g")
    def feed(board: int) -> Iterator[None]:
        yield

    assert "/ds/g/feed?board=1" in datastar.open_stream("feed", board=1, _signals=("page",)).js
    with pytest.raises(SetupError, match=r"^handler g:feed \(.*\) has no parameter 'bord'; it takes board\. Did you"):
        datastar.open_stream("feed", bord=1)


def test_module_expression_takes_what_some_handler_of_the_name_takes(app: Flask, datastar: Datastar) -> None:
    @datastar.handler(group="one", name="add")
    def add_one(id: int) -> None: ...

    @datastar.view("/<int:number>", group="two")
    class Two(StarView):
        @event
        def add(self, count: int) -> None: ...

    for name in ("id", "count", "number"):
        assert f"/add?{name}=1" in datastar.post("add", _module="$m", **{name: 1}).js
    with pytest.raises(SetupError, match=r"^no handler 'add' has the parameter 'numbr'; they take count, id, number\."):
        datastar.post("add", _module="$m", numbr=1)

    @datastar.handler(group="three", name="add")
    def add_any(**more: Any) -> None: ...

    assert "/add?numbr=1" in datastar.post("add", _module="$m", numbr=1).js


def test_test_client_refuses_it_as_well(app: Flask, datastar: Datastar) -> None:
    @datastar.handler(group="g")
    def act(id: int = 0) -> None: ...

    with pytest.raises(SetupError, match="has no parameter 'ids'"):
        DatastarClient(app).post(act, ids=1)
    # A path is taken as it is: what a stranger may send.
    assert DatastarClient(app).post("/ds/g/act", ids=1).status_code == 204
