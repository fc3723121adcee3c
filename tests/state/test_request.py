"""What belongs to one app and one request, and what is said where there is none."""

from __future__ import annotations

import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Blueprint, Flask, Response, copy_current_request_context, g, render_template_string, request

from flask_datastar import Datastar, sse
from flask_datastar.errors import SetupError
from flask_datastar.state.request import find_request_state
from flask_datastar.testing import DatastarClient
from tests.conftest import MakeApp


def test_sending_outside_of_an_app_is_refused() -> None:
    with pytest.raises(
        SetupError, match=r"^Datastar needs an app context; wrap the call in 'with app.app_context\(\):'"
    ):
        Datastar().patch_elements("<p></p>")


def test_sending_without_a_request_is_refused(app: Flask, datastar: Datastar) -> None:
    with app.app_context(), pytest.raises(SetupError, match=r"^nothing can be sent here: there is no request, so no"):
        datastar.signal("count", 1)


@pytest.mark.parametrize("name", ["signal", "assign"])
def test_tracking_in_a_request_without_init_app_is_refused(name: str) -> None:
    app = Flask("shop")

    with (
        app.test_request_context(),
        pytest.raises(SetupError, match=r"^<Flask 'shop'> has no Datastar; call Datastar\(app\), or init_app\(app\)"),
    ):
        getattr(Datastar(), name)("count", 1)


def test_sending_by_another_instance_is_refused(app: Flask) -> None:
    other = Datastar()

    with (
        app.test_request_context(),
        pytest.raises(SetupError, match=r"^<Flask 'shop'> was initialised by another Datastar instance; import that"),
    ):
        other.signal("count", 1)


def test_sending_by_another_instance_is_refused_in_a_running_request(app: Flask, tab: DatastarClient) -> None:
    other = Datastar()

    @app.post("/act")
    def act() -> Response:
        return other.signal("count", 1)

    with pytest.raises(SetupError, match="another Datastar instance"):
        tab.post("/act")


def test_sending_to_another_apps_request_is_refused(make_app: MakeApp) -> None:
    first, second = make_app(), make_app()
    datastar: Datastar = first.extensions["datastar"]

    with second.test_request_context(), pytest.raises(SetupError, match="another Datastar instance"):
        datastar.patch_signals({})


def test_actions_of_another_instance_are_refused(app: Flask) -> None:
    with app.test_request_context(), pytest.raises(SetupError, match="another Datastar instance"):
        Datastar().script()


def test_two_apps_of_one_instance_share_no_state(make_app: MakeApp) -> None:
    datastar = Datastar()
    first, second = make_app(datastar), make_app(datastar)

    @datastar.handler
    def show() -> None:
        datastar.patch_signals({"seen": render_template_string("{{ mine }}")})

    for app, name in ((first, "first"), (second, "second")):
        app.before_request(lambda name=name: datastar.assign("mine", name) and None)

    assert DatastarClient(first).post(show).signals == {"seen": "first"}
    assert DatastarClient(second).post(show).signals == {"seen": "second"}


def test_request_to_another_app_inside_a_handler_has_its_own_state(make_app: MakeApp) -> None:
    inner, outer = Datastar(), Datastar()
    inner_app, outer_app = make_app(inner), make_app(outer)

    @inner.handler
    def whisper() -> None:
        inner.signal("inner", True)

    @outer.handler
    def shout() -> None:
        outer.signal("a", 1)
        assert DatastarClient(inner_app).post(whisper).signals == {"inner": True}
        outer.signal("b", 2)

    assert DatastarClient(outer_app).post(shout).events == (sse.patch_signals({"a": 1, "b": 2}),)


def test_request_to_the_same_app_inside_a_handler_has_its_own_state(app: Flask, datastar: Datastar) -> None:
    @datastar.handler
    def whisper(name: str) -> None:
        datastar.signal("heard", name)

    @datastar.handler
    def shout(name: str) -> None:
        datastar.signal("a", name)
        assert DatastarClient(app, {"name": "inner"}).post(whisper).events == (sse.patch_signals({"heard": "inner"}),)
        assert datastar.read_signals() == {"name": "outer"}
        datastar.signal("b", name)

    tab = DatastarClient(app, {"name": "outer"})

    assert tab.post(shout).events == (sse.patch_signals({"a": "outer", "b": "outer"}),)


def test_request_context_nested_inside_another_one_has_its_own_state(app: Flask, datastar: Datastar) -> None:
    with app.test_request_context():
        datastar.signal("outer", 1)
        with app.test_request_context():
            datastar.signal("inner", 2)
            assert datastar.init_signals().js == '{"inner":2}'
        assert datastar.init_signals().js == '{"outer":1}'


def test_app_context_kept_open_over_two_requests_sees_two_states(app: Flask, datastar: Datastar) -> None:
    @datastar.handler
    def add(name: str) -> None:
        datastar.signal(name, 1)

    with app.app_context():
        assert DatastarClient(app, {"name": "first"}).post(add).events == (sse.patch_signals({"first": 1}),)
        assert DatastarClient(app, {"name": "second"}).post(add).events == (sse.patch_signals({"second": 1}),)


def test_sending_from_a_copied_context_in_a_thread_is_refused(app: Flask, datastar: Datastar) -> None:
    raised: list[Exception] = []

    @datastar.handler
    def start_job() -> None:
        datastar.signal("started", True)

        @copy_current_request_context
        def job() -> None:
            assert find_request_state() is None
            assert render_template_string("{{ started }}") == ""
            try:
                datastar.signal("finished", True)
            except SetupError as error:
                raised.append(error)

        thread = threading.Thread(target=job)
        thread.start()
        thread.join()

    answer = DatastarClient(app).post(start_job)

    assert answer.events == (sse.patch_signals({"started": True}),)
    assert "this is a copied request context (copy_current_request_context)" in str(raised[0])


def test_copied_context_called_in_place_is_the_request_itself(app: Flask, datastar: Datastar) -> None:
    @datastar.handler
    def act() -> None:
        copy_current_request_context(lambda: datastar.signal("count", 1))()

    assert DatastarClient(app).post(act).events == (sse.patch_signals({"count": 1}),)


def test_state_made_before_the_request_hooks_is_kept(app: Flask, datastar: Datastar) -> None:
    # A URL value preprocessor runs before every before_request function.
    blueprint = Blueprint("shop", __name__, url_prefix="/<lang>")

    @blueprint.url_value_preprocessor
    def take_lang(endpoint: str | None, values: dict[str, Any] | None) -> None:
        assert values is not None
        datastar.assign("lang", values.pop("lang"))

    @blueprint.get("/")
    def index() -> str:
        return render_template_string("{{ lang }}")

    app.register_blueprint(blueprint)

    assert app.test_client().get("/de/").text == "de"


def test_error_before_the_request_hooks_is_an_ordinary_error(make_app: MakeApp) -> None:
    app = make_app(TESTING=False)

    @app.url_value_preprocessor
    def fail(endpoint: str | None, values: dict[str, Any] | None) -> None:
        raise RuntimeError("early")

    assert app.test_client().get("/").status_code == 500


def test_state_hangs_on_g_no_longer_than_the_request(app: Flask, datastar: Datastar) -> None:
    seen: list[weakref.ref[Any]] = []

    @datastar.handler
    def act() -> None:
        datastar.signal("count", 1)
        g.kept = True
        seen.append(weakref.ref(request._get_current_object()))  # type: ignore[attr-defined]

    tab = DatastarClient(app)
    tab.post(act)
    tab.client.get("/forget-the-last-response")
    gc.collect()

    assert seen[0]() is None


@pytest.mark.parametrize("requests", [0, 1, 2])
def test_app_is_freed_when_nobody_has_it(make_app: MakeApp, requests: int) -> None:
    def serve() -> weakref.ref[Flask]:
        datastar = Datastar()
        app = make_app(datastar)
        datastar.handler(group="g", name="publish")(lambda: datastar.publish("topic"))
        for _ in range(requests):
            assert DatastarClient(app).post("g.publish").status_code == 204
        return weakref.ref(app)

    served = serve()
    gc.collect()

    assert served() is None


def test_twenty_threads_see_only_their_own_signals(app: Flask, datastar: Datastar) -> None:
    gate = threading.Barrier(20)

    @datastar.handler
    def echo(name: str) -> None:
        datastar.signal("first", name)
        datastar.assign("secret", name)
        gate.wait()
        datastar.patch_elements(lambda visible: f"<p id='a'>{visible['secret']}</p>")
        gate.wait()
        datastar.signal("second", render_template_string("{{ first }} {{ secret }}"))

    def run(number: int) -> None:
        name = f"n{number}"
        tab = DatastarClient(app, {"name": name})
        for _ in range(5):
            answer = tab.post(echo)
            assert answer.events == (
                sse.patch_elements(f"<p id='a'>{name}</p>"),
                sse.patch_signals({"first": name, "second": f"{name} {name}"}),
            )

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(run, range(20)))


def test_null_signal_is_warned_of_once_in_debug_mode(make_app: MakeApp, caplog: pytest.LogCaptureFixture) -> None:
    app = make_app()
    app.debug = True
    datastar: Datastar = app.extensions["datastar"]

    with app.test_request_context():
        datastar.signal("error", None)
        datastar.signal("other", None)

    assert [record.getMessage() for record in caplog.records] == [
        "Datastar: signal 'error' is None, which deletes it in the browser; what displays it keeps the old text. "
        "Send '' to blank it, or use remove_signals()."
    ]


def test_null_in_a_patch_is_warned_of_too(make_app: MakeApp, caplog: pytest.LogCaptureFixture) -> None:
    app = make_app()
    app.debug = True
    datastar: Datastar = app.extensions["datastar"]

    with app.test_request_context():
        datastar.patch_signals({"count": 1})
        datastar.start().patch_signals({"error": None})

    assert ["signal 'error' is None" in record.getMessage() for record in caplog.records] == [True]


def test_null_signal_is_not_warned_of_in_production(
    app: Flask, datastar: Datastar, caplog: pytest.LogCaptureFixture
) -> None:
    with app.test_request_context():
        datastar.signal("error", None)
        datastar.patch_signals({"error": None})

    assert caplog.records == []
