"""``DATASTAR_SCOPE``: whose the streams are that name no scope."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from flask import Blueprint, Flask, abort, request, session

from flask_datastar import Datastar
from tests.conftest import MakeApp
from tests.support.streams import Connect, assert_nothing_is_left, hub_for
from tests.support.wsgi import call, ending


def whose() -> str | None:
    return request.args.get("user")


@pytest.fixture
def datastar() -> Datastar:
    return Datastar(scope=whose)


@pytest.fixture
def app(make_app: MakeApp, datastar: Datastar) -> Flask:
    return make_app(datastar)


def scopes(datastar: Datastar) -> list[str]:
    return [info.scope for info in datastar.tabs.snapshot()]


def declare_follow(datastar: Datastar, app: Flask, **options: Any) -> str:
    @datastar.stream(group="g", name="stream", **options)
    def stream() -> Any:
        return datastar.follow()

    return "/ds/g/stream"


def declare_generator(datastar: Datastar, app: Flask, **options: Any) -> str:
    @datastar.stream(group="g", name="stream", **options)
    def stream() -> Iterator[Any]:
        for _ in datastar.changes("news"):
            yield {"open": 1}

    return "/ds/g/stream"


def declare_bare(datastar: Datastar, app: Flask) -> str:
    @datastar.stream
    def stream() -> Any:
        return datastar.follow()

    return f"/ds/{__name__.replace('.', '-')}/stream"


def declare_in_blueprint(datastar: Datastar, app: Flask, **options: Any) -> str:
    boards = Blueprint("boards", __name__, url_prefix="/boards")

    @datastar.stream(group="g", name="stream", blueprint=boards, **options)
    def stream() -> Any:
        return datastar.follow()

    app.register_blueprint(boards)
    return "/boards/ds/g/stream"


def declare_plain(datastar: Datastar, app: Flask, scope: Any = None) -> str:
    @app.get("/plain")
    def plain() -> Any:
        return datastar.start_stream(scope, datastar.follow())

    return "/plain"


def declare_plain_generator(datastar: Datastar, app: Flask, scope: Any = None) -> str:
    def events() -> Iterator[Any]:
        for _ in datastar.changes("news"):
            yield {"open": 1}

    @app.get("/plain")
    def plain() -> Any:
        return datastar.start_stream(scope, events())

    return "/plain"


OPTIONED = [declare_follow, declare_generator, declare_in_blueprint, declare_plain, declare_plain_generator]
Declare = Callable[..., str]


@pytest.mark.parametrize("declare", [*OPTIONED, declare_bare])
def test_stream_without_a_scope_is_of_the_person(
    app: Flask, datastar: Datastar, connect: Connect, declare: Declare
) -> None:
    path = declare(datastar, app)
    ada = connect(f"{path}?user=ada", signals={"tabId": "t.p"}).wait_open()
    bob = connect(f"{path}?user=bob", signals={"tabId": "t.p"}).wait_open()

    with app.app_context():
        assert sorted(scopes(datastar)) == ["ada", "bob"]
        datastar.broadcast_to("ada").signal("to", "ada")
        datastar.broadcast_to("bob", "t").signal("to", "bob")
    ada.wait('{"to":"ada"}')
    bob.wait('{"to":"bob"}')
    assert b'"to":"bob"' not in ada.raw
    assert b'"to":"ada"' not in bob.raw

    # The tab shows another page.
    newer = connect(f"{path}?user=ada", signals={"tabId": "t.q"}).wait_open()
    assert ending(ada.wait_end())[0] == "ds:replaced:q"
    with app.app_context():
        assert datastar.tabs.close("ada") == 1
    newer.wait_end()
    assert not bob.has_ended


@pytest.mark.parametrize("declare", OPTIONED)
@pytest.mark.parametrize("scope", ["own", lambda: "own"])
def test_scope_of_the_stream_wins(
    app: Flask, datastar: Datastar, connect: Connect, declare: Declare, scope: Any
) -> None:
    connect(f"{declare(datastar, app, scope=scope)}?user=ada").wait_open()

    assert [entry.scope for entry in hub_for(app).tabs.snapshot()] == ["own"]


@pytest.mark.parametrize("declare", OPTIONED)
@pytest.mark.parametrize("scope", ["", lambda: "", lambda: None])
def test_stream_may_be_nobody_s(app: Flask, datastar: Datastar, connect: Connect, declare: Declare, scope: Any) -> None:
    path = declare(datastar, app, scope=scope)
    connections = [connect(f"{path}?user=ada", signals={"tabId": f"t.{page}"}).wait_open() for page in "pq"]

    assert hub_for(app).tabs.snapshot() == []
    assert not any(connection.has_ended for connection in connections)


@pytest.mark.parametrize("query", ["", "?user="])
def test_visitor_is_nobody(app: Flask, datastar: Datastar, connect: Connect, query: str) -> None:
    connect(declare_follow(datastar, app) + query, signals={"tabId": "t.p"}).wait_open()

    assert hub_for(app).tabs.snapshot() == []


@pytest.mark.parametrize(("scope", "text"), [(7, "7"), (UUID(int=7), str(UUID(int=7)))])
def test_scope_is_compared_as_text(make_app: MakeApp, connect: Connect, scope: Any, text: str) -> None:
    datastar = Datastar()
    app = make_app(datastar, DATASTAR_SCOPE=lambda: scope)
    connect(declare_follow(datastar, app), app=app).wait_open()

    assert [entry.scope for entry in hub_for(app).tabs.snapshot()] == [text]


@pytest.mark.parametrize("scope", [True, 1.5, b"ada", object()])
def test_result_that_is_no_scope_names_the_key(make_app: MakeApp, scope: Any) -> None:
    datastar = Datastar()
    app = make_app(datastar, DATASTAR_SCOPE=lambda: scope)
    path = declare_follow(datastar, app)

    with pytest.raises(TypeError, match=r"^the result of DATASTAR_SCOPE is \w+; accepted: str, int, UUID or None$"):
        call(app, path)
    assert_nothing_is_left(app)


def test_refusal_by_the_function_is_a_refusal_of_the_stream(make_app: MakeApp, connect: Connect) -> None:
    datastar = Datastar()
    app = make_app(datastar, DATASTAR_SCOPE=lambda: abort(401))

    refused = connect(declare_follow(datastar, app), app=app)

    assert ending(refused.wait_end())[0] == "ds:done"


def test_two_apps_have_scopes_of_their_own(make_app: MakeApp, connect: Connect) -> None:
    datastar = Datastar()
    one, two = make_app(datastar, DATASTAR_SCOPE=lambda: "one"), make_app(datastar)
    path = declare_follow(datastar, one)

    for app, expected in ((one, ["one"]), (two, [])):
        connect(path, app=app).wait_open()
        assert [entry.scope for entry in hub_for(app).tabs.snapshot()] == expected


def test_limit_of_a_scope_applies(make_app: MakeApp, connect: Connect) -> None:
    datastar = Datastar()
    app = make_app(datastar, DATASTAR_SCOPE=whose, DATASTAR_MAX_STREAMS_PER_SCOPE=1)
    path = declare_follow(datastar, app)
    connect(f"{path}?user=ada", app=app, signals={"tabId": "a.p"}).wait_open()

    refused = connect(f"{path}?user=ada", app=app, signals={"tabId": "b.p"})
    refused.wait_end()

    assert refused.status == 503
    connect(f"{path}?user=bob", app=app, signals={"tabId": "b.p"}).wait_open()


def test_person_has_a_place_before_visitors(make_app: MakeApp, connect: Connect) -> None:
    datastar = Datastar()
    app = make_app(datastar, DATASTAR_SCOPE=whose, DATASTAR_MAX_STREAMS=1)
    path = declare_follow(datastar, app)
    visitor = connect(path, app=app).wait_open()

    connect(f"{path}?user=ada", app=app).wait_open()

    assert ending(visitor.wait_end())[0].startswith("ds:restart:")


def test_function_is_called_once_for_each_stream_and_not_for_clicks(make_app: MakeApp, connect: Connect) -> None:
    calls: list[str] = []

    def scope() -> Any:
        calls.append(request.method)
        return session.get("user_id", "ada")

    datastar = Datastar()
    app = make_app(datastar, DATASTAR_SCOPE=scope)
    path = declare_follow(datastar, app)

    @datastar.handler(group="g")
    def click() -> None: ...

    assert call(app, "/ds/g/click?_k=1", method="POST")[0] == 204
    assert call(app, path, method="HEAD")[0] == 200
    assert calls == []
    connect(path, app=app).wait_open()
    assert calls == ["GET"]
