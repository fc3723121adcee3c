"""Responses that a cache keeps: pickled and made anew, or refused in words."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

import pytest
from flask import Flask, Response, render_template_string

from flask_datastar import Datastar, EventResponse, sse
from flask_datastar.sending.response import BodyKind
from flask_datastar.testing import DatastarClient
from tests.conftest import MakeApp

COUNT, THEME = sse.patch_signals({"count": 1}), sse.patch_signals({"theme": "dark"})


class Cache:
    """Keeps what a view returned as caches do: pickled."""

    def __init__(self) -> None:
        self.kept: bytes | None = None
        self.calls = 0

    def cached(self, view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def cached(*arguments: Any, **named: Any) -> Any:
            if self.kept is not None:
                return pickle.loads(self.kept)
            self.calls += 1
            result = view(*arguments, **named)
            self.kept = pickle.dumps(result)
            return result

        return cached


@pytest.fixture
def cache() -> Cache:
    return Cache()


MAKE: dict[str, Callable[[Datastar], Any]] = {
    "queued": lambda datastar: datastar.patch_signals({"count": 1}),
    "fresh": lambda datastar: datastar.start().patch_signals({"count": 1}),
    "tracked": lambda datastar: datastar.signal("count", 1),
    "both": lambda datastar: datastar.signal("count", 1).patch_signals({"theme": "dark"}),
    "beside the current one": lambda datastar: [datastar.patch_signals({"theme": "dark"}), datastar.start()][1],
    "nothing": lambda datastar: datastar.start(),
}
SENT = {
    "queued": (COUNT,),
    "fresh": (COUNT,),
    "tracked": (COUNT,),
    "both": (THEME, COUNT),
    "beside the current one": (THEME,),
    "nothing": (),
}


@pytest.mark.parametrize("kind", MAKE)
@pytest.mark.parametrize("is_handler", [True, False])
def test_cached_response_is_the_same_each_time(
    app: Flask, datastar: Datastar, tab: DatastarClient, cache: Cache, kind: str, is_handler: bool
) -> None:
    def act() -> Any:
        response = MAKE[kind](datastar)
        response.headers["X-Own"] = "1"
        return response

    if is_handler:
        datastar.handler(group="g")(cache.cached(act))
    else:
        app.add_url_rule("/ds/g/act", view_func=cache.cached(act), methods=["POST"])

    answers = [tab.post("/ds/g/act") for _ in range(3)]

    assert cache.calls == 1
    for answer in answers:
        assert answer.events == SENT[kind]
        assert answer.status_code == (200 if SENT[kind] else 204)
        assert answer.response.headers["X-Own"] == "1"
        assert answer.response.headers.get("Content-Type") == answers[0].response.headers.get("Content-Type")
        assert answer.response.content_length == answers[0].response.content_length


def test_signals_of_a_cached_view_are_seen_by_templates_before(
    app: Flask, datastar: Datastar, tab: DatastarClient, cache: Cache
) -> None:
    @app.post("/act")
    @cache.cached
    def act() -> Any:
        datastar.signal("count", 1)
        response = datastar.patch_elements(render_template_string("<p id='a'>{{ count }}</p>"))
        return response

    expected = (sse.patch_elements("<p id='a'>1</p>"), COUNT)
    assert [tab.post("/act").events for _ in range(2)] == [expected] * 2


def test_what_hooks_send_comes_after_a_cached_response(
    app: Flask, datastar: Datastar, tab: DatastarClient, cache: Cache
) -> None:
    @app.after_request
    def after(response: Response) -> Response:
        datastar.signal("theme", "dark")
        return response

    @app.post("/act")
    @cache.cached
    def act() -> Any:
        return datastar.signal("count", 1)

    assert [tab.post("/act").events for _ in range(2)] == [(COUNT, THEME)] * 2


def test_finished_response_is_kept_with_its_body(app: Flask, datastar: Datastar, tab: DatastarClient) -> None:
    kept: list[bytes] = []

    @app.after_request
    def keep(response: Response) -> Response:
        kept.append(pickle.dumps(response))
        return response

    @datastar.handler(group="g")
    def act() -> Any:
        return datastar.signal("count", 1)

    tab.post("/ds/g/act")
    restored = pickle.loads(kept[0])

    assert (restored.data, restored.status_code, restored.body_kind) == (COUNT.encode(), 200, BodyKind.FINITE)
    assert restored.patch_signals({"theme": "dark"}).data == COUNT.encode() + THEME.encode()


def test_restored_response_is_of_the_app_s_own_class(make_app: MakeApp, cache: Cache) -> None:
    class Own(Response):
        pass

    app = make_app()
    app.response_class = Own
    datastar: Datastar = app.extensions["datastar"]
    kinds: list[bool] = []

    @app.after_request
    def note(response: Response) -> Response:
        kinds.append(isinstance(response, Own) and isinstance(response, EventResponse))
        return response

    @app.post("/act")
    @cache.cached
    def act() -> Any:
        return datastar.signal("count", 1)

    for _ in range(2):
        DatastarClient(app).post("/act")

    assert kinds == [True, True]


@pytest.mark.parametrize("make", [copy.copy, copy.deepcopy, lambda response: pickle.loads(pickle.dumps(response))])
def test_copy_is_a_response_of_its_own(datastar: Datastar, req_ctx: object, make: Callable[..., Any]) -> None:
    response = datastar.start().patch_signals({"count": 1})

    other = make(response).patch_signals({"theme": "dark"})

    assert b"".join(response.event_queue) == COUNT.encode()
    assert b"".join(other.event_queue) == COUNT.encode() + THEME.encode()


def test_response_is_restored_without_an_app(datastar: Datastar, app: Flask) -> None:
    with app.test_request_context():
        kept = pickle.dumps(datastar.signal("count", 1))

    assert b"".join(pickle.loads(kept).event_queue) == COUNT.encode()


@pytest.mark.parametrize("is_stream", [True, False])
def test_streams_are_refused_in_words(datastar: Datastar, tab: DatastarClient, cache: Cache, is_stream: bool) -> None:
    def events() -> Iterator[Any]:
        yield {"count": 1}

    @datastar.handler(group="g", methods=["GET"])
    @cache.cached
    def opens() -> Any:
        return datastar.start_stream(None, events())

    @datastar.handler(group="g", methods=["GET"])
    def keeps() -> Any:
        return events()

    if is_stream:
        with pytest.raises(TypeError, match="cannot be kept: its body is made for one client; leave it out of caches"):
            tab.get(opens)
        return

    @tab.client.application.after_request
    def keep(response: Response) -> Response:
        with pytest.raises(TypeError, match="cannot be kept: its body is made for one client; leave it out of caches"):
            pickle.dumps(response)
        return response

    assert tab.get(keeps).events == (COUNT,)
