"""``@datastar.once``: plain views that run once a click."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask, abort, redirect, request, session, url_for
from flask.testing import FlaskClient
from flask_wtf import CSRFProtect

from flask_datastar import Datastar
from flask_datastar.errors import SetupError
from tests.conftest import MakeApp
from tests.repeats.conftest import Click, counts, send_click
from tests.support.actions import keyed


def test_plain_view_runs_once(app: Flask, datastar: Datastar, click: Click) -> None:
    runs: list[Any] = []

    @app.post("/pay/<int:order>")
    @datastar.once
    def pay(order: int) -> Any:
        runs.append((order, dict(request.args)))
        session["paid"] = order
        return datastar.start().patch_signals({"paid": order})

    first = click("/pay/3")
    repeat = click("/pay/3")
    assert (repeat.status, list(repeat.headers), repeat.data) == (first.status, list(first.headers), first.data)
    assert runs == [(3, {})]
    assert pay.__name__ == "pay"
    assert counts(app) == {"runs": 1, "answered": 1, "ignored": 0}


def test_action_names_a_view_by_its_url(app: Flask, datastar: Datastar) -> None:
    @app.post("/pay")
    @datastar.once
    def pay() -> str:
        return ""

    with app.test_request_context(base_url="https://shop.example/mount"):
        assert datastar.post(url_for("pay")).js == keyed("@post('/mount/pay')")
        assert datastar.post(url_for("pay", a=1), b="x y").js == keyed("@post('/mount/pay?a=1&b=x%20y')")
        assert datastar.get("/pay").js == "@get('/pay')"
        assert datastar.post("/pay", _once=False, _retry="never").js == "@post('/pay', {retry: 'never'})"


@pytest.mark.parametrize("url", ["//evil.example/pay", "/pay#a", "/a\\b", "/a b", "/a\nb"])
def test_other_urls_are_no_targets(app: Flask, datastar: Datastar, url: str) -> None:
    with app.test_request_context(), pytest.raises(SetupError, match="path and query of a view of this app"):
        datastar.post(url)


def test_url_has_no_event(app: Flask, datastar: Datastar) -> None:
    with app.test_request_context():
        with pytest.raises(SetupError, match="without an event or _module"):
            datastar.post("/pay", "add")
        with pytest.raises(SetupError, match="without an event or _module"):
            datastar.post("/pay", _module="$m")


def test_action_for_a_view_sends_the_token(app: Flask, datastar: Datastar) -> None:
    CSRFProtect(app)
    with app.test_request_context():
        assert datastar.post("/pay").js == keyed("@post('/pay', {headers: {'X-CSRFToken': $_csrf}})")


def test_other_requests_run_as_usual(app: Flask, datastar: Datastar, client: FlaskClient) -> None:
    runs = []

    @app.route("/pay", methods=["GET", "POST"])
    @datastar.once
    def pay() -> str:
        runs.append(dict(request.args))
        return "paid"

    for _ in range(2):
        client.post("/pay?_k=1")
        client.post("/pay", headers={"Datastar-Request": "true"})
        client.get("/pay?_k=1", headers={"Datastar-Request": "true"})

    assert len(runs) == 6


def test_failed_view_may_run_again(app: Flask, datastar: Datastar, click: Click) -> None:
    runs = []

    @app.post("/pay")
    @datastar.once
    def pay() -> Any:
        runs.append(1)
        if len(runs) == 1:
            abort(409)
        return redirect("/done")

    assert click("/pay").status_code == 409
    first = click("/pay")
    assert b"/done" in first.data
    assert click("/pay").data == first.data
    assert len(runs) == 2


def test_async_view_runs_once(app: Flask, datastar: Datastar, click: Click) -> None:
    runs = []

    @app.post("/pay")
    @datastar.once
    async def pay() -> str:
        runs.append(1)
        return "<p id='a'>paid</p>"

    assert click("/pay").data == click("/pay").data == b"<p id='a'>paid</p>"
    assert len(runs) == 1


def test_handler_may_have_it_as_well(datastar: Datastar, click: Click) -> None:
    runs = []

    @datastar.handler(group="g")
    @datastar.once
    def act() -> None:
        runs.append(1)

    assert click("/ds/g/act").status_code == click("/ds/g/act").status_code == 204
    assert len(runs) == 1


def test_parentheses_change_nothing(app: Flask, datastar: Datastar, click: Click) -> None:
    @app.post("/pay")
    @datastar.once()
    def pay() -> str:
        paid.append(1)
        return "paid"

    paid: list[int] = []
    assert click("/pay").data == click("/pay").data == b"paid"
    assert paid == [1]


def test_it_decorates_functions(datastar: Datastar) -> None:
    decorate: Any = datastar.once
    for given in ("/pay", Flask):
        with pytest.raises(
            SetupError, match=r"@datastar.once decorates a view function, not .*; write it below the ro"
        ):
            decorate(given)


def test_stats_count_clicks_and_repeats(make_app: MakeApp) -> None:
    app = make_app()
    datastar: Datastar = app.extensions["datastar"]

    @datastar.handler(group="g")
    def act() -> None: ...

    for key in ("1", "1", "2"):
        send_click(app.test_client(), "/ds/g/act", key)

    with app.app_context():
        found = datastar.stats()["repeats"]
    assert (found["runs"], found["answered"], found["ignored"], found["unfinished"]) == (2, 1, 0, 0)
    assert (found["kept"], found["forgotten"], found["broker_failed"]) == (2, 0, 0)
    assert found["kept_bytes"] > 1400
