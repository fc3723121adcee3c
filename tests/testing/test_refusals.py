from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from flask import Flask, abort, redirect, render_template_string, request

from flask_datastar import Datastar
from flask_datastar.testing import DatastarClient, RequestRefused
from tests.support.pages import CLIENT, LAYOUT

#: What the pages do by themselves, by their paths.
BODIES = {
    "/init": "<div id=told data-init=\"@get('/ds/r/refuse')\""
    " data-on:datastar-fetch__window=\"el.textContent += '.'\"></div>",
    "/late": "<div data-init__delay.500ms=\"@post('/ds/r/refuse')\"></div>",
    "/leading": "<div data-on-interval__duration.60s.leading=\"@post('/ds/r/refuse')\"></div>",
    "/interval": "<div data-on-interval__duration.60s=\"@post('/ds/r/refuse')\"></div>",
    "/loaded": "<div data-on:load__window=\"@post('/ds/r/refuse')\"></div>",
    "/effect": "<div data-signals:q=\"'a'\" data-effect=\"$q && @post('/ds/r/refuse')\"></div>",
    "/stream": "<div data-init=\"{{ datastar.open_stream('r.members') }}\"></div>",
    "/typed": "<div data-init=\"{{ datastar.post('r.typed') }}\"></div>",
    "/fails": "<div data-init=\"{{ datastar.post('r.fail') }}\"></div>",
    "/closed": "<div data-init=\"{{ datastar.post('r.closed') }}\"></div>",
    "/conflict": "<div data-init=\"{{ datastar.post('r.conflict') }}\"></div>",
    "/nobody": "<div data-init=\"@get('/ds/r/nobody')\"></div>",
    "/leads": "<a id=link href=/init>go</a><a id=dead href=/bordes/1>go</a>"
    "<button id=js data-on:click=\"location = '/init'\">b</button>"
    "<form id=f method=post action=/posted><input name=status><button>Send</button></form>",
    "/breaks": "<div data-init=\"{{ datastar.open_stream('r.breaks') }}\"></div>"
    "<button id=on data-on:click=\"{{ datastar.post('r.go_on') }}\">b</button>",
}


@pytest.fixture
def make_site() -> Callable[..., Flask]:
    def make(**config: object) -> Flask:
        app, datastar = Flask("refusing"), Datastar()
        app.config.update(TESTING=True, SECRET_KEY="test", **config)
        datastar.init_app(app)
        add_handlers(datastar)
        for path, body in BODIES.items():
            page = LAYOUT.replace("BODY", body)
            app.add_url_rule(path, path, lambda page=page: render_template_string(page))
        add_pages(app)
        return app

    return make


def add_handlers(datastar: Datastar) -> None:
    def refuse() -> None:
        abort(403, "members only")

    datastar.handler(group="r", methods=["GET", "POST"])(refuse)

    @datastar.handler(group="r")
    def typed(count: int) -> None:
        pass

    @datastar.handler(group="r")
    def fail() -> None:
        raise LookupError("no stock")

    @datastar.handler(group="r")
    def closed() -> None:
        abort(503, "back at noon")

    @datastar.handler(group="r")
    def conflict() -> None:
        abort(409)

    @datastar.stream(group="r")
    def members() -> Iterator[None]:
        abort(403, "members only")
        yield

    @datastar.stream(group="r")
    def breaks() -> Iterator[None]:
        is_told = False
        for _ in datastar.changes("breaking"):
            yield
            if is_told:
                raise LookupError("in the stream")
            is_told = True

    @datastar.handler(group="r")
    def go_on() -> None:
        datastar.publish("breaking")


def add_pages(app: Flask) -> None:
    @app.errorhandler(404)
    def missing(error: Exception) -> tuple[str, int]:
        body = (
            "<style>h1 {color: red}</style><h1>Not here</h1><button data-on:click=\"el.textContent = 'b'\">a</button>"
        )
        return render_template_string(LAYOUT.replace("BODY", body)), 404

    @app.get("/boards/<int:board_id>")
    def board(board_id: int) -> str:
        abort(404)

    @app.get("/broken")
    def broken() -> str:
        raise LookupError("no template")

    @app.get("/private")
    def private() -> str:
        abort(401, "sign in")

    @app.get("/away")
    def away() -> object:
        return redirect("/private")

    @app.post("/posted")
    def posted() -> tuple[str, int]:
        return f"<p>{request.form['status']}</p>", int(request.form["status"])


@pytest.fixture
def tab(make_site: Callable[..., Flask]) -> Iterator[DatastarClient]:
    with DatastarClient(make_site(), client_file=CLIENT) as tab:
        yield tab


# What a page asks by itself


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/init", "the page asked GET /ds/r/refuse, which was refused with 403: .*members only"),
        ("/late", "POST /ds/r/refuse, which was refused with 403"),
        ("/leading", "POST /ds/r/refuse, which was refused with 403"),
        ("/loaded", "POST /ds/r/refuse, which was refused with 403"),
        ("/effect", "POST /ds/r/refuse, which was refused with 403"),
        ("/stream", "GET /ds/r/members, which was refused with 403: .*members only"),
        ("/typed", "POST /ds/r/typed, which was refused with 400: .*count"),
        ("/closed", "POST /ds/r/closed, which failed with 503: .*back at noon"),
        ("/nobody", r"GET /ds/r/nobody, which nothing answers \(404\)"),
    ],
)
def test_load_fails_with_a_request_of_the_page(tab: DatastarClient, path: str, message: str) -> None:
    with pytest.raises(RequestRefused, match=message):
        tab.load(path)
    assert tab.url == path  # the refusal is told once, and a test may go on


def test_page_has_had_the_answer(tab: DatastarClient) -> None:
    with pytest.raises(RequestRefused) as refused:
        tab.load("/init")

    assert refused.value.answer.status_code == 403
    assert tab.text("#told").startswith(".")
    assert tab.requests[-1].status_code == 403


def test_load_passes_statuses_that_are_answers(tab: DatastarClient) -> None:
    assert tab.load("/conflict").status_code == 200
    assert tab.requests[-1].status_code == 409


def test_load_raises_the_exception_of_a_handler(tab: DatastarClient) -> None:
    with pytest.raises(LookupError, match="no stock"):
        tab.load("/fails")


@pytest.mark.parametrize("config", [{"TESTING": False}, {"PROPAGATE_EXCEPTIONS": False}], ids=str)
def test_load_names_the_exception_where_flask_s_client_raises_none(
    make_site: Callable[..., Flask], config: dict[str, object]
) -> None:
    app = make_site()
    app.config.update(config)
    with DatastarClient(app, client_file=CLIENT) as tab:
        with pytest.raises(RequestRefused, match="failed with 500: LookupError: no stock") as refused:
            tab.load("/fails")
        assert isinstance(refused.value.__cause__, LookupError)
        with pytest.raises(
            RequestRefused, match=r"page /broken was answered with 500.*: LookupError: no tem"
        ) as refused:
            tab.load("/broken")
        assert isinstance(refused.value.__cause__, LookupError)


@pytest.mark.parametrize(
    "go",
    [
        pytest.param(lambda tab: tab.click("#link"), id="link"),
        pytest.param(lambda tab: tab.click("#js"), id="script"),
        pytest.param(lambda tab: tab.load("/init", status=200), id="load"),
    ],
)
def test_page_that_a_gesture_leads_to_fails_the_same(
    tab: DatastarClient, go: Callable[[DatastarClient], object]
) -> None:
    tab.load("/leads")
    with pytest.raises(RequestRefused, match="members only"):
        go(tab)
    assert tab.url == "/init"
    with pytest.raises(RequestRefused, match="members only"):
        tab.reload()
    with pytest.raises(RequestRefused, match="members only"):
        tab.duplicate()
    tab.back()
    assert tab.url == "/leads"


def test_repeats_of_an_interval_fail_when_they_are_due(tab: DatastarClient) -> None:
    tab.load("/interval")
    with pytest.raises(RequestRefused, match="members only"):
        tab.wait(61)


def test_look_fails_with_a_request_that_a_signal_starts(tab: DatastarClient) -> None:
    with pytest.raises(RequestRefused):
        tab.load("/effect")
    tab.signals["q"] = "b"
    with pytest.raises(RequestRefused, match="members only"):
        tab.text()


@pytest.mark.parametrize("config", [{"TESTING": True}, {"TESTING": False}], ids=str)
def test_stream_that_breaks_off_later_fails(make_site: Callable[..., Flask], config: dict[str, object]) -> None:
    app = make_site()
    app.config.update(config)
    with DatastarClient(app, client_file=CLIENT) as tab:
        tab.load("/breaks")
        with pytest.raises((LookupError, RequestRefused), match="in the stream") as failed:
            tab.click("#on")
        error = failed.value
        assert isinstance(error if app.testing else error.__cause__, LookupError)


# The status of the page itself


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (
            "/board/1",
            r"^page /board/1 was answered with 404 NOT FOUND: no view has this URL; the nearest is /boards/<int:bo",
        ),
        (
            "/boards/1",
            r"^page /boards/1 was answered with 404 NOT FOUND: Not here a; an error page that the test wants: ",
        ),
        ("/posted", "405 METHOD NOT ALLOWED: its URL takes .*POST"),
        ("/private", "page /private was answered with 401 UNAUTHORIZED: .*sign in"),
        ("/away", "page /private was answered with 401"),
    ],
)
def test_load_fails_with_an_error_page(tab: DatastarClient, path: str, message: str) -> None:
    with pytest.raises(RequestRefused, match=message):
        tab.load(path)


def test_error_page_is_loaded_on_purpose(tab: DatastarClient) -> None:
    response = tab.load("/nowhere", status=404)

    assert response.status_code == 404
    tab.click("button")
    assert tab.text("button") == "b"
    tab.reload()
    with tab.duplicate() as other:
        assert other.text("h1") == "Not here"
    tab.load("/leads")
    tab.back()
    assert tab.text("h1") == "Not here"


def test_error_page_is_shown_by_the_time_that_it_is_refused(tab: DatastarClient) -> None:
    with pytest.raises(RequestRefused) as refused:
        tab.load("/boards/1")

    assert refused.value.answer.status_code == 404
    assert tab.text("h1") == "Not here"


def test_expected_status_must_come(tab: DatastarClient) -> None:
    with pytest.raises(AssertionError, match="page /leads was answered with 200 OK: the test expects 404"):
        tab.load("/leads", status=404)
    with pytest.raises(RequestRefused, match="401"):
        tab.load("/private", status=404)


def test_links_that_lead_nowhere_fail(tab: DatastarClient) -> None:
    tab.load("/leads")
    with pytest.raises(RequestRefused, match=r"page /bordes/1 was answered with 404.*nearest is /boards/"):
        tab.click("#dead")
    assert tab.text("h1") == "Not here"


@pytest.mark.parametrize(
    ("status", "fails"), [(200, False), (422, False), (409, False), (400, True), (403, True), (500, True)]
)
def test_answer_to_a_form_is_a_page_like_any(tab: DatastarClient, status: int, fails: bool) -> None:
    tab.load("/leads")
    tab.fill("[name=status]", str(status))
    if fails:
        with pytest.raises(RequestRefused, match=f"page /posted was answered with {status} [A-Z ]+: {status}$"):
            tab.submit()
    else:
        tab.submit()
    assert tab.text() == str(status)
