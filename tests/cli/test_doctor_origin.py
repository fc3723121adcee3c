"""`flask datastar doctor`'s look at plain views: which of them another site could call."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Blueprint, Flask, abort, redirect, request, session
from flask.views import MethodView, View
from werkzeug.exceptions import Forbidden

from flask_datastar import Datastar
from flask_datastar.cli.doctor_config import check_config
from flask_datastar.cli.doctor_facts import config_facts
from flask_datastar.state.app import app_state_of

app = Flask("shop")
app.config.update(SECRET_KEY="test", SESSION_COOKIE_SAMESITE="Lax")
datastar = Datastar(app)
WRITING = ("POST", "PUT")


class Other:
    """Something with a method of the same name, which checks nothing."""

    def check_origin(self) -> None:
        """Do nothing."""


other = Other()


def protect() -> None:
    """Protect a view."""
    if request.method in WRITING:
        datastar.check_origin()


def forgets() -> None:
    """Look like a helper that protects."""
    if request.args:
        datastar.check_origin()


def guarded(view: Callable[[], Any]) -> Callable[[], Any]:
    """Check the origin before a view."""

    @functools.wraps(view)
    def wrapper() -> Any:
        datastar.check_origin()
        return view()

    return wrapper


def first() -> Any:
    datastar.check_origin()
    return redirect("/")


def below_the_method() -> Any:
    """Answer both methods, as a form's view does."""
    title = request.path
    if request.method == "POST":
        datastar.check_origin()
        session["name"] = request.form["name"]
        return redirect("/")
    return title


def after_the_get() -> Any:
    if request.method not in {"POST"} or (request.method == "GET" and request.args):
        return "a form"
    datastar.check_origin()
    session["name"] = "x"
    return redirect("/")


def after_everything_else() -> Any:
    if not (request.method == "POST" or request.method < "A"):
        return "a form"
    protect()
    return redirect("/")


def by_a_class() -> Any:
    Other()
    datastar.check_origin()


def inside_try() -> Any:
    try:
        datastar.check_origin()
    finally:
        request.close()
    return redirect("/")


def in_both_branches() -> Any:
    if request.args:
        datastar.check_origin()
    elif request.form:
        abort(400)
    else:
        raise ValueError
    return redirect("/")


def by_a_helper() -> Any:
    protect()
    return redirect("/")


def plain() -> Any:
    return redirect("/")


def for_get_alone() -> Any:
    if request.method == "GET":
        datastar.check_origin()
    return redirect("/")


def too_late() -> Any:
    session["name"] = "x"
    datastar.check_origin()
    return redirect("/")


def after_a_call() -> Any:
    session.clear()
    datastar.check_origin()
    return redirect("/")


def after_a_return() -> Any:
    if request.args:
        return "changed"
    datastar.check_origin()
    return redirect("/")


def swallowed() -> Any:
    try:
        datastar.check_origin()
    except Forbidden:
        session["name"] = "x"
    return redirect("/")


def suppressed() -> Any:
    with contextlib.suppress(Forbidden):
        datastar.check_origin()
    return redirect("/")


def of_something_else() -> Any:
    other.check_origin()
    return redirect("/")


def of_its_own() -> Any:
    protect = forgets
    protect()
    return (lambda: protect)()


def by_a_helper_that_forgets() -> Any:
    forgets()
    return redirect("/")


def not_called() -> Any:
    check = datastar.check_origin
    return redirect(check.__name__)


def recursive() -> Any:
    recursive()


def found(added: Callable[[Flask], None]) -> list[str]:
    """Return the views that the finding names, of an app with one more view."""
    fresh = Flask("shop")
    fresh.config.update(app.config)
    Datastar(fresh)
    added(fresh)
    facts = config_facts(app_state_of(fresh))
    names = [one.name for one in check_config(facts, is_https=None, is_local=False)]
    assert names == (["csrf"] if facts["plain_views"] else [])
    return list(facts["plain_views"])


def names_of(view: Any, methods: list[str] | None = None) -> list[str]:
    return found(lambda fresh: fresh.add_url_rule("/save", "save", view, methods=methods or ["GET", "POST"]))


@pytest.mark.parametrize(
    "view",
    [
        first,
        below_the_method,
        after_the_get,
        after_everything_else,
        inside_try,
        in_both_branches,
        by_a_helper,
        guarded(plain),
    ],
)
def test_a_view_that_checks_is_not_named(view: Any) -> None:
    assert names_of(view) == []


@pytest.mark.parametrize(
    "view",
    [
        *[plain, for_get_alone, too_late, after_a_call, after_a_return, swallowed, of_something_else],
        *[
            suppressed,
            of_its_own,
            by_a_helper_that_forgets,
            not_called,
            recursive,
            by_a_class,
            functools.partial(first),
            eval("lambda: first()"),
        ],
    ],
)
def test_a_view_that_may_change_something_without_the_check_is_named(view: Any) -> None:
    assert names_of(view) == ["save"]


def test_a_view_whose_source_is_gone_or_changed_is_named(tmp_path: Path) -> None:
    for text in ("def save(): datastar.check_origin()", "def save(:"):
        path = tmp_path / f"views{len(text)}.py"
        path.write_text(text)
        names: dict[str, Any] = {"datastar": datastar}
        exec(compile("def save(): datastar.check_origin()", str(path), "exec"), names)
        assert names_of(names["save"]) == ([] if ")" in text else ["save"])


def test_a_name_that_never_got_its_value_is_not_known() -> None:
    def view() -> Any:
        if late:
            abort(404)
        late()
        datastar.check_origin()

    assert names_of(view) == ["save"]
    if not app:
        late = protect


def test_each_method_needs_the_check() -> None:
    assert names_of(below_the_method, ["POST", "DELETE"]) == ["save"]
    assert names_of(first, ["POST", "DELETE"]) == []


def test_classes() -> None:
    class Checked(MethodView):
        init_every_request = False

        def get(self) -> str:
            return ""

        def post(self) -> Any:
            datastar.check_origin()

    class Forgets(Checked):
        def put(self) -> str:
            return ""

    class Whole(View):
        methods = ("POST",)

        def dispatch_request(self) -> Any:
            datastar.check_origin()

    class Bare(Whole):
        def dispatch_request(self) -> str:
            return ""

    assert [names_of(cls.as_view("save")) for cls in (Checked, Forgets)] == [[], []]
    assert names_of(Forgets.as_view("save"), ["POST", "PUT"]) == ["save"]
    assert [names_of(cls.as_view("save"), ["POST"]) for cls in (Whole, Bare)] == [[], ["save"]]
    Bare.decorators = [guarded]
    assert names_of(Bare.as_view("save"), ["POST"]) == []


@pytest.mark.parametrize(("guard", "names"), [(protect, []), (forgets, ["save"])])
def test_functions_before_the_request(guard: Callable[[], None], names: list[str]) -> None:
    def add(fresh: Flask) -> None:
        fresh.post("/save", endpoint="save")(plain)
        fresh.before_request(guard)

    assert found(add) == names


def test_the_method_itself_before_the_request() -> None:
    def add(fresh: Flask) -> None:
        fresh.post("/save", endpoint="save")(plain)
        fresh.before_request(fresh.extensions["datastar"].check_origin)

    assert found(add) == []


def test_the_functions_of_a_blueprint_protect_its_own_views() -> None:
    def add(fresh: Flask) -> None:
        outer, inner = Blueprint("outer", __name__), Blueprint("inner", __name__)
        for group in (fresh, outer, inner):
            group.post("/save" + group.name, endpoint="save")(plain)
        outer.before_request(protect)
        outer.register_blueprint(inner)
        fresh.register_blueprint(outer)

    assert found(add) == ["save"]
