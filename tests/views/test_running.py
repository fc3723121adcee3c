"""What runs in a request to a view: load, show, html, events, handle_event, decorators, and whose object it is."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import jinja2
import pytest
from flask import (
    Flask,
    Response,
    abort,
    make_response,
    redirect,
    render_template_string,
    request,
    session,
    stream_template,
)
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, UserMixin, login_required, login_user
from markupsafe import Markup

from flask_datastar import Datastar, Signals, StarView, event, hooks, sse
from flask_datastar.errors import InvalidSignals, SetupError
from flask_datastar.testing import DatastarClient
from tests.conftest import MakeApp
from tests.support.actions import keyed
from tests.support.pages import LAYOUT, shown

TEMPLATES = {
    "counter.html": """<main data-signals="{{ datastar.init_signals() }}">
{% block count %}<b id="count">{{ count }} {{ note }}</b>{% endblock %}
<button data-on:click="{{ datastar.post('increment') }}"></button></main>""",
    "including.html": "{% include 'missing.html' %}",
}


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    return make_app(templates=TEMPLATES)


def test_page_is_loaded_shown_and_rendered(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.view("/counter/<int:start>", group="counter")
    class CounterView(StarView):
        template = "counter.html"

        def load(self, start: int) -> None:
            self.calls = [f"load {start}"]

        def show(self, start: int) -> None:
            self.calls.append(f"show {start}")
            datastar.signal("count", start)
            datastar.assign("note", self.calls)

        @event
        def increment(self, count: int) -> None:
            datastar.signal("count", count + 1)

    page = tab.client.get("/counter/5").text

    assert page == (
        '<main data-signals="{&#34;count&#34;:5}">\n<b id="count">5 [&#39;load 5&#39;, &#39;show 5&#39;]</b>\n'
        '<button data-on:click="@post(&#39;/ds/counter/increment?start=5&amp;_k=&#39; + Math.random(), '
        '{requestCancellation: &#39;disabled&#39;})"></button></main>'
    )
    assert tab.post(CounterView, "increment", start=5, count=41).events == (sse.patch_signals({"count": 42}),)


def test_buttons_of_a_page_run_its_events_with_the_parameters_of_its_url(app: Flask, datastar: Datastar) -> None:
    @datastar.view("/counter/<int:step>", group="counter")
    class CounterView(StarView):
        def load(self, step: int) -> None:
            self.step = step

        def html(self) -> str:
            datastar.signal("count", 0)
            body = """<main data-signals="{{ datastar.init_signals() }}"><b data-text="$count"></b>
                <button data-on:click="{{ datastar.post('increment') }}">+</button></main>"""
            return render_template_string(LAYOUT.replace("BODY", body))

        @event
        def increment(self, count: int) -> None:
            datastar.signal("count", count + self.step)

    with shown(app, "/counter/5") as visitor:
        visitor.click(text="+")
        visitor.click(text="+")

        assert visitor.text("b") == "10"


def test_event_has_its_own_object_and_load_before_it(datastar: Datastar, tab: DatastarClient) -> None:
    seen: list[StarView] = []

    @datastar.view("/<name>", group="page")
    class PageView(StarView):
        def load(self, name: str) -> None:
            assert not hasattr(self, "name")
            self.name = name
            seen.append(self)

        def html(self) -> str:
            return self.name

        @event
        def act(self) -> str:
            seen.append(self)
            return f"<p id='a'>{self.name}</p>"

    assert [tab.client.get("/Ada").text, tab.client.get("/Bob").text] == ["Ada", "Bob"]
    assert tab.post("page.act", name="Eve").html == "<p id='a'>Eve</p>"
    assert tab.post("page.act", name="Kim").html == "<p id='a'>Kim</p>"
    assert len({id(view) for view in seen}) == 4
    assert seen[2] is seen[3]


def test_parameters_of_events_are_those_of_handlers(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.view("/", group="page")
    class PageView(StarView):
        @event
        def act(self, number: int, signals: Signals, tags: list[str], flag: bool = True) -> Signals:
            return {"got": [number, signals["name"], tags, flag]}

    tab.signals = {"name": "Ada", "flag": "off", "tags": "a"}

    assert tab.post("page.act", number="3").patched == {"got": [3, "Ada", ["a"], False]}
    answer = tab.post("page.act", number="x")
    assert answer.status_code == 400
    assert "parameter &#39;number&#39;" in answer.response.text


def test_unfit_annotation_is_refused_with_the_name_of_the_event(datastar: Datastar) -> None:
    class PageView(StarView):
        @event
        def act(self, number: Flask) -> None: ...

    with pytest.raises(
        SetupError, match=r"^handler .*PageView\.act: parameter 'number': annotation <class 'flask\.app"
    ):
        datastar.view("/")(PageView)


def test_invalid_signals_go_to_the_function_that_the_event_names(datastar: Datastar, tab: DatastarClient) -> None:
    def explain(error: InvalidSignals) -> Signals:
        return {"errors": error.errors}

    @datastar.view("/<int:number>", group="page")
    class PageView(StarView):
        @event(on_invalid=explain)
        def act(self, count: int) -> None: ...

    assert tab.post("page.act", number=1, count="x").patched["errors"].keys() == {"count"}
    # What the page's URL cannot have is no typing error of the user's.
    assert tab.post("/ds/page/act?number=x&count=1").status_code == 400


def test_events_return_and_yield_what_handlers_may(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.view("/", group="page")
    class PageView(StarView):
        @event
        def elements(self) -> Markup:
            return Markup("<p id='a'></p>")

        @event
        def steps(self, count: int) -> Iterator[str | None]:
            for number in range(count):
                datastar.signal("number", number)
                yield f"<p id='a'>{number}</p>"

        @event
        def response(self) -> Response:
            return Response("plain", mimetype="text/plain")

        @event
        def wrong(self) -> int:
            return 5

    assert tab.post("page.elements").html == "<p id='a'></p>"
    assert list(tab.iter_events("page.steps", count=2)) == [
        sse.patch_elements("<p id='a'>0</p>"),
        sse.patch_signals({"number": 0}),
        sse.patch_elements("<p id='a'>1</p>"),
        sse.patch_signals({"number": 1}),
    ]
    assert tab.post("page.response").response.text == "plain"
    with pytest.raises(TypeError, match=r"^handler page:wrong \(.*PageView\.wrong\) gave int; accepted: None, "):
        tab.post("page.wrong")


def test_action_for_a_generator_event_is_never_repeated(datastar: Datastar, app: Flask) -> None:
    @datastar.view("/", group="page")
    class PageView(StarView):
        @event
        def steps(self) -> Iterator[None]:
            yield

    with app.test_request_context():
        assert datastar.post(PageView, "steps").js == keyed("@post('/ds/page/steps', {retryMaxCount: 0})")


def test_later_steps_of_a_generator_know_the_views_url(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.view("/<int:start>", group="page")
    class PageView(StarView):
        def load(self, start: int) -> None:
            self.start = start

        @event
        def increment(self) -> Iterator[None]:
            yield
            datastar.assign("note", self.start)
            datastar.patch_template("counter.html", to="main", mode="inner")
            yield

    html = "".join(found.arguments["elements"] for found in tab.iter_events("page.increment", start=5))

    assert "/ds/page/increment?start=5" in html
    assert " 5</b>" in html


def test_async_methods_run(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.view("/<name>", group="page")
    class PageView(StarView):
        async def load(self, name: str) -> None:
            self.name = name

        async def show(self, name: str) -> None:
            datastar.signal("count", 1)

        async def html(self) -> str:
            return f"{self.name} {datastar.init_signals().js}"

        @event
        async def act(self, count: int) -> Signals:
            return {"name": self.name, "count": count + 1}

        async def handle_event(self, event: str, signals: Signals) -> Signals:
            return {"name": self.name, "event": event}

    assert tab.client.get("/Ada").text == 'Ada {"count":1}'
    assert tab.post("page.act", name="Ada", count=1).patched == {"name": "Ada", "count": 2}
    assert tab.post("page", "other", name="Ada").patched == {"name": "Ada", "event": "other"}


@pytest.mark.parametrize("method", ["load", "show"])
def test_response_of_load_and_show_ends_the_page(datastar: Datastar, tab: DatastarClient, method: str) -> None:
    class PageView(StarView):
        def html(self) -> str:
            raise AssertionError("not ended")

    setattr(PageView, method, lambda self: redirect("/elsewhere"))
    datastar.view("/")(PageView)

    response = tab.client.get("/")

    assert (response.status_code, response.headers["Location"]) == (302, "/elsewhere")


def test_response_of_load_ends_the_event(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.view("/", group="page")
    class PageView(StarView):
        def load(self) -> ResponseReturnValue | None:
            if "stop" in request.args:
                return redirect("/elsewhere")
            return None

        @event
        def act(self) -> str:
            return "<p id='a'></p>"

        def handle_event(self, event: str, signals: Signals) -> str:
            return "<p id='b'></p>"

    for name in ("act", "other"):
        assert "/elsewhere" in tab.post(f"/ds/page/{name}", stop=1).html
        assert tab.post("page", name).html.startswith("<p id=")


def test_status_of_load_is_that_of_page_and_event(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.view("/", group="page")
    class PageView(StarView):
        def load(self) -> ResponseReturnValue:
            return "Gone", 410

        @event
        def act(self) -> None: ...

    for response in (tab.client.get("/"), tab.post("page.act").response):
        assert (response.status_code, response.text) == (410, "Gone")


def test_rights_are_checked_before_the_parameters(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.view("/", group="page")
    class PageView(StarView):
        def load(self) -> None:
            abort(403)

        @event
        def act(self, number: int) -> None: ...

    assert tab.client.get("/").status_code == tab.post("page.act").status_code == 403


@pytest.mark.parametrize("method", ["load", "show", "html"])
def test_events_in_place_of_a_page_are_refused(
    make_app: MakeApp, datastar: Datastar, tab: DatastarClient, method: str
) -> None:
    class PageView(StarView):
        template = "counter.html"

    setattr(PageView, method, lambda self: datastar.redirect("/elsewhere"))
    datastar.view("/")(PageView)

    with pytest.raises(
        TypeError, match=rf"^view .*PageView: {method}\(\) gave an event response when the page was load"
    ):
        tab.client.get("/")
    # The client itself may ask for a page, and understands them.
    assert "/elsewhere" in tab.get("/").html


# The page's HTML


class Component:
    def __html__(self) -> str:
        return "<p>"


@pytest.mark.parametrize("html", ["<p>", Markup("<p>"), ("<p>", 200), iter(["<", "p>"]), Component()])
def test_html_may_be_what_makes_a_page(datastar: Datastar, tab: DatastarClient, html: Any) -> None:
    class PageView(StarView):
        def html(self) -> Any:
            return html

    datastar.view("/")(PageView)

    response = tab.client.get("/")

    assert (response.text, response.mimetype, response.status_code) == ("<p>", "text/html", 200)


def test_html_may_be_a_response_and_a_streamed_template(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.view("/response")
    class First(StarView):
        def html(self) -> Response:
            return make_response("<p>", 202)

    @datastar.view("/streamed")
    class Second(StarView):
        def show(self) -> None:
            datastar.assign("note", "streamed")

        def html(self) -> Any:
            return stream_template("counter.html")

        @event
        def increment(self) -> None: ...

    assert tab.client.get("/response").status_code == 202
    assert "streamed" in tab.client.get("/streamed").text


@pytest.mark.parametrize("html", [None, 5, {"a": 1}, ["<p>"], b"<p>"])
def test_other_html_is_an_error_that_names_class_and_method(datastar: Datastar, tab: DatastarClient, html: Any) -> None:
    class PageView(StarView):
        def html(self) -> Any:
            return html

    datastar.view("/")(PageView)

    with pytest.raises(
        TypeError,
        match=rf"^view {__name__}\..*PageView: html\(\) gave {type(html).__name__}; accepted: str, Markup, an",
    ):
        tab.client.get("/")


def test_view_without_a_page_is_an_error_that_says_so(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.view("/")
    class PageView(StarView): ...

    with pytest.raises(
        SetupError, match=r"^view .*PageView has no page; set template = 'name\.html', or define html\(\)"
    ):
        tab.client.get("/")


def test_missing_template_is_named_with_its_class(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.view("/")
    class PageView(StarView):
        template = "missing.html"

    with pytest.raises(jinja2.TemplateNotFound, match=r"^missing\.html \(the template of view .*PageView\)$"):
        tab.client.get("/")


def test_template_that_the_template_misses_is_jinjas_error(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.view("/")
    class PageView(StarView):
        template = "including.html"

    with pytest.raises(jinja2.TemplateNotFound, match=r"^missing\.html$"):
        tab.client.get("/")


def test_template_may_be_chosen_in_the_request(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.view("/")
    class PageView(StarView):
        def load(self) -> None:
            self.template = "counter.html"

        @event
        def increment(self) -> None: ...

    assert '<b id="count">' in tab.client.get("/").text


def test_wrong_parameters_of_a_method_name_it(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.view("/<int:number>")
    class PageView(StarView):
        template = "counter.html"

        def show(self) -> None: ...

    with pytest.raises(TypeError, match=r"PageView\.show\(\) got an unexpected keyword argument 'number'$"):
        tab.client.get("/5")


# handle_event


@pytest.fixture
def catching(datastar: Datastar) -> type[StarView]:
    @datastar.view("/<name>", group="page")
    class PageView(StarView):
        def load(self, name: str) -> None:
            self.name = name

        @event(methods=["PUT"])
        def own(self) -> str:
            return "<p id='own'></p>"

        def handle_event(self, event: str, signals: Signals) -> Signals:
            return {"handled": [self.name, event, signals]}

    return PageView


def test_handle_event_gets_events_without_a_method(catching: type[StarView], tab: DatastarClient) -> None:
    tab.signals = {"count": 1}

    assert tab.post(catching, "sort_by-Name2", name="Ada").patched == {
        "handled": ["Ada", "sort_by-Name2", {"count": 1}]
    }
    assert tab.post("page.load", name="Ada").patched["handled"][1] == "load"
    assert tab.put("page.own", name="Ada").html == "<p id='own'></p>"


def test_handle_event_gets_no_event_that_has_a_method_by_another_verb(
    catching: type[StarView], tab: DatastarClient
) -> None:
    response = tab.post("/ds/page/own?name=Ada").response

    assert (response.status_code, response.headers["Allow"]) == (405, "OPTIONS, PUT")
    assert tab.get("/ds/page/other?name=Ada").status_code == 405


@pytest.mark.parametrize("name", ["a.b", "a%20b", "%C3%A9", "a~b", "%3Cx%3E", "a%0A", "a:b", "%D9%A3", "*", "a%2Fb"])
def test_handle_event_gets_no_other_names(catching: type[StarView], tab: DatastarClient, name: str) -> None:
    assert tab.post(f"/ds/page/{name}?name=Ada").status_code == 404


@pytest.mark.parametrize("name", ["a.b", "a b", "", "é", "a~"])
def test_action_for_a_name_that_handle_event_would_not_get_is_refused(
    app: Flask, datastar: Datastar, catching: type[StarView], name: str
) -> None:
    with app.test_request_context(), pytest.raises(SetupError, match=r"^no handler fits "):
        datastar.post(catching, name, name="Ada")


def test_handle_event_may_decline(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.view("/", group="page")
    class PageView(StarView):
        def handle_event(self, event: str, signals: Signals) -> Iterator[None]:
            if event != "known":
                abort(404)
            datastar.signal("event", event)
            yield

    assert tab.post("page.known").patched == {"event": "known"}
    assert tab.post("page.unknown").status_code == 404


def test_handle_event_of_none_takes_it_away(datastar: Datastar, catching: Any, tab: DatastarClient) -> None:
    @datastar.view("/other", group="other")
    class OtherView(catching):  # type: ignore[misc]
        handle_event = None

    assert tab.post("/ds/other/unknown?name=Ada").status_code == 404


def test_malformed_signals_are_400_in_handle_event(catching: type[StarView], tab: DatastarClient) -> None:
    answer = tab.post("/ds/page/any?name=Ada", _data="{", _headers={"Content-Type": "application/json"})

    assert answer.status_code == 400


def test_hook_names_the_event_that_handle_event_got(app: Flask, catching: type[StarView], tab: DatastarClient) -> None:
    seen = []

    def note(sender: Flask, **details: Any) -> None:
        seen.append((details["group"], details["event"]))

    with hooks.event_handled.connected_to(note, app):
        tab.post(catching, "any", name="Ada")
        tab.put(catching, "own", name="Ada")

    assert seen == [("page", "any"), ("page", "own")]


# Decorators


def test_decorators_wrap_the_page_and_every_event_alike(datastar: Datastar, tab: DatastarClient) -> None:
    calls: list[tuple[str, str, dict[str, Any]]] = []

    def note(label: str) -> Callable[..., Any]:
        def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
            @functools.wraps(function)
            def wrapper(**url_values: Any) -> Any:
                calls.append((label, function.__name__, url_values))
                return function(**url_values)

            return wrapper

        return decorate

    @datastar.view("/<int:number>", group="page")
    class PageView(StarView):
        decorators = (note("inner"), note("outer"))

        def load(self, number: int) -> None:
            calls.append(("load", "", {"number": number}))

        def html(self) -> str:
            return "page"

        @event
        def act(self, count: int = 0) -> Signals:
            return {"count": count}

        def handle_event(self, event: str, signals: Signals) -> str:
            return "<p id='a'></p>"

    expected = [("outer", "{}", {"number": 5}), ("inner", "{}", {"number": 5}), ("load", "", {"number": 5})]
    requests: list[tuple[Callable[[], object], str]] = [
        (lambda: tab.client.get("/5"), "page_view"),
        (lambda: tab.post("page.act", number=5), "act"),
        (lambda: tab.post("page.other", number=5), "handle_event"),
    ]
    for send, name in requests:
        calls.clear()
        send()
        assert calls == [(label, title.format(name), values) for label, title, values in expected]


def test_decorator_may_answer_itself_and_be_async(datastar: Datastar, tab: DatastarClient) -> None:
    def refuse(function: Callable[..., Any]) -> Callable[..., Any]:
        async def wrapper(**url_values: Any) -> Any:
            abort(403)

        return wrapper

    @datastar.view("/", group="page")
    class PageView(StarView):
        decorators = (refuse,)

        @event
        def act(self) -> None: ...

    assert tab.client.get("/").status_code == tab.post("page.act").status_code == 403


def test_subclass_inherits_the_decorators(datastar: Datastar, tab: DatastarClient) -> None:
    def refuse(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda **url_values: abort(403)

    class Guarded(StarView):
        decorators = (refuse,)

        @event
        def act(self) -> None: ...

    @datastar.view("/", group="page")
    class PageView(Guarded):
        @event
        def own(self) -> None: ...

    for answer in (tab.client.get("/"), tab.post("page.act"), tab.post("page.own")):
        assert answer.status_code == 403


def test_login_required_guards_page_and_events(app: Flask, datastar: Datastar, tab: DatastarClient) -> None:
    class User(UserMixin):
        id = "ada"

    logins = LoginManager(app)
    logins.login_view = "login"
    logins.user_loader(lambda user_id: User())

    @app.route("/login")
    def login() -> str:
        login_user(User())
        return "welcome"

    @datastar.view("/page/<int:number>", group="page")
    class PageView(StarView):
        decorators = (login_required,)

        def html(self) -> str:
            return "page"

        @event
        def act(self) -> str:
            return "<p id='a'></p>"

    assert tab.client.get("/page/1").headers["Location"] == "/login?next=%2Fpage%2F1"
    answer = tab.post("page.act", number=1, _headers={"Referer": "http://localhost/page/1"})
    assert '"/login?next=%2Fpage%2F1"' in answer.html

    tab.client.get("/login")

    assert tab.client.get("/page/1").text == "page"
    assert tab.post("page.act", number=1).html == "<p id='a'></p>"


# The rest of a request


def test_events_need_the_header_and_the_own_origin(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.view("/", group="page")
    class PageView(StarView):
        def load(self) -> None:
            raise AssertionError("loaded")

        @event
        def act(self) -> None: ...

        def handle_event(self, event: str, signals: Signals) -> None: ...

    for name in ("act", "other"):
        assert tab.client.post(f"/ds/page/{name}").status_code == 403
        assert tab.post(f"/ds/page/{name}", _headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


def test_error_in_an_event_sends_nothing_of_it(app: Flask, datastar: Datastar, tab: DatastarClient) -> None:
    app.register_error_handler(ZeroDivisionError, lambda error: ("division", 500))

    @datastar.view("/", group="page")
    class PageView(StarView):
        def load(self) -> None:
            session["seen"] = True
            datastar.signal("half", 1)

        @event
        def act(self) -> float:
            return 1 / 0

    answer = tab.post("page.act")

    assert (answer.status_code, answer.response.text) == (500, "division")


def test_event_patches_a_block_of_the_views_template(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.view("/<int:start>", group="page")
    class PageView(StarView):
        template = "counter.html"

        @event
        def increment(self, count: int) -> None:
            datastar.signal("count", count + 1)
            datastar.assign("note", "<new>")
            datastar.patch_template(self.template, block="count")

    assert tab.post("page.increment", start=1, count=1).html == '<b id="count">2 &lt;new&gt;</b>'
