"""Hostile requests at every endpoint of the demos: never a status of 500 or more, and nothing grows.

The endpoints are those of the URL map, so a new demo is tried without a change here. The recipes of the cookbook are
many and alike: one rule of each shape gets every request, and the others get one request in four.
"""

from __future__ import annotations

import functools
import gc
import inspect
import itertools
import json
import re
from collections import Counter
from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask, Response
from flask.testing import EnvironBuilder
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.routing import Rule
from werkzeug.test import run_wsgi_app

from example import create_app
from tests.sansio.strategies import json_values

# Thousands of inputs for code that other tests measure: coverage would double the time of each.
pytestmark = pytest.mark.no_cover

HEADERS = {"Datastar-Request": "true", "Sec-Fetch-Site": "same-origin"}
MEBIBYTE = 1_048_576

# Names that handlers of the demos read, so that what is hostile reaches them.
NAMES = [
    *[
        "count",
        "query",
        "name",
        "text",
        "editing",
        "card",
        "step",
        "email",
        "password",
        "again",
        "remember",
        "birthday",
    ],
    *["errors", "csrf_token", "csrf", "tabId", "next", "title", "id", "filter", "done", "value", "signals", "page"],
]


def everywhere(value: Any) -> bytes:
    """Write a value under every name."""
    return json.dumps(dict.fromkeys(NAMES, value)).encode("utf-8", "surrogatepass")


def nested(depth: int, opening: str = '{"a":', closing: str = "}") -> bytes:
    return (opening * depth + "1" + closing * depth).encode()


BODIES: dict[str, bytes] = {
    "nothing": b"",
    "not JSON": b"{",
    "not an object": b"[1]",
    "null": b"null",
    "a text": b'"text"',
    "no UTF-8": b'{"name": "\xff\xfe"}',
    "a byte order mark": b'\xef\xbb\xbf{"name": "a"}',
    "NUL": b'{"name": "a\x00b"}',
    "NUL escaped": everywhere("a\0b"),
    "deep": nested(60),
    "too deep": nested(70),
    "far too deep": nested(50_000),
    "lists far too deep": nested(50_000, "[", "]"),
    "deep everywhere": everywhere(json.loads(nested(50))),
    "wide": json.dumps({f"n{number}": number for number in range(20_000)}).encode(),
    "wide everywhere": everywhere(list(range(1_500))),
    "wide objects everywhere": everywhere({f"n{number}": {"a": [number]} for number in range(200)}),
    "many wrong": everywhere([{"a": []}] * 300),
    "NaN": b'{"count": NaN, "query": NaN}',
    "Infinity": b'{"count": Infinity, "editing": -Infinity}',
    "too large for a float": everywhere("1e999").replace(b'"1e999"', b"1e999"),
    "minus too large for a float": everywhere("-1e999").replace(b'"-1e999"', b"-1e999"),
    "a huge number": everywhere(10**4000),
    # The next number cannot be written any more.
    "the largest number": everywhere(10**4300 - 1),
    "a huge number as text": everywhere("9" * 4300),
    "a larger number": b'{"count": ' + b"9" * 5000 + b"}",
    "more than a database takes": everywhere(2**63),
    "more than a database takes, as text": everywhere(str(-(2**70))),
    "a tiny number": everywhere(5e-324),
    "minus zero": b'{"count": -0.0, "editing": -0}',
    "duplicate keys": b'{"count": 1, "count": {"a": 1}, "count": [], "name": {}, "name": "a"}',
    "lone surrogates": b'{"name": "\\ud800", "query": "\\udc00\\ud800", "text": "\\ud83d"}',
    "lone surrogates as names": b'{"\\ud800": 1}',
    "prototypes": b'{"__proto__": {"a": 1}, "constructor": {"prototype": {}}, "errors": {"__proto__": "x", "": "y"}}',
    "prototypes everywhere": everywhere({"__proto__": {"constructor": "x"}, "": {"": ""}, "a.b": 1, "_": "x"}),
    "a long name": json.dumps({"k" * (MEBIBYTE - 100): 1}).encode(),
    "a long name inside": everywhere({"k" * 40_000: "x"}),
    "a long text": json.dumps({"query": "q" * (MEBIBYTE - 100)}).encode(),
    "a long password": json.dumps({"email": "@" * 500_000, "password": "p" * 500_000}).encode(),
    "a hostile address": json.dumps({"email": "a@" + "." * 900_000 + "@", "name": "n"}).encode(),
    "spaces": json.dumps({"name": " " * 500_000, "text": "\u2028" * 80_000}).encode(),
    "too large": json.dumps({"query": "q" * (MEBIBYTE + 100)}).encode(),
    "true": everywhere(True),
    "lists of lists": everywhere([[[]], [{}], [None]]),
    "empty": everywhere(""),
    "nulls": everywhere(None),
    "HTML": everywhere("</script><!--<script>alert(1)</script>\r\n\r\nevent: x\u2028"),
    "a path": everywhere("//evil.example/\\"),
}
CONTENT_TYPES = [
    *["text/plain", "application/json; charset=utf-16", "application/json; charset=x\"'", "application/xml", ""],
    *[
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "application/json;;",
    ],
    *["multipart/form-data; boundary=a", "é/ü", "application/json, text/x"],
]
UNTYPED_BODIES = [b'{"name": "a"}', b"name=a&count=1", b"--a\r\n\r\n\xff"]
#: Values for the variable parts of rules.
PARTS = ["1", "-1", "99999999999999999999", "x", "..", "%00", "é"]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    folder: Path = tmp_path_factory.mktemp("hostile")
    app = create_app(
        {
            "SECRET_KEY": "test",
            "SQLALCHEMY_DATABASE_URI": f"sqlite:///{folder / 'example.sqlite'}",
            "IMPORT_PAUSE_SECONDS": 0,
            # What the token keeps out is let in, to be tried.
            "WTF_CSRF_ENABLED": False,
        }
    )
    yield app
    with app.app_context():
        app.extensions["sqlalchemy"].engine.dispose()


@pytest.fixture(scope="module")
def visitors(app: Flask) -> dict[str, str]:
    """The cookies of a stranger, and of somebody who has an account and is on the board. They are sent with every
    request, so that one that signs out or leaves does not change who sends the next one."""
    member = app.test_client()
    person = {"name": "Ada", "email": "ada@example.org", "password": "correct horse", "again": "correct horse"}
    for path in ("/ds/board/join", "/ds/signup/register"):
        assert member.post(path, json=person, headers=HEADERS).status_code == 200
    cookie = member.get_cookie("session")
    assert cookie is not None
    cookies = {"stranger": "", "member": f"session={cookie.value}"}
    headers = {"Cookie": cookies["member"]}
    nobody = app.test_client(use_cookies=False)
    assert nobody.get("/account", headers=headers).status_code == 200
    assert "You are Ada" in nobody.get("/board", headers=headers).text
    return cookies


def rules(app: Flask) -> list[Rule]:
    return [rule for rule in app.url_map.iter_rules() if rule.endpoint != "static"]


def shape(app: Flask, rule: Rule) -> Hashable:
    """Return what decides on the code that reads a request: the same for rules of which one stands for all.

    Only recipes are alike. Their pages read nothing, and the signals of their handlers are read for parameters; a
    handler without parameters may read them itself.
    """
    methods = frozenset(rule.methods or ())
    blueprint, _, key = rule.endpoint.rpartition(".")
    if "cookbook" not in rule.endpoint:
        return rule.endpoint
    if ":" not in key:
        return blueprint if "GET" in methods else rule.endpoint
    handler = app.extensions["datastar"]._declarations.handlers.get(key)
    function = inspect.unwrap(handler.function)
    parameters = inspect.signature(function, eval_str=True).parameters.values()
    return (
        *(methods, handler.kind, handler.once, handler.is_generator, inspect.iscoroutinefunction(function)),
        *(handler.on_invalid is not None, handler.make_run is not None),
        *sorted(f"{found.annotation!r} = {found.default!r}, {found.name in NAMES}" for found in parameters),
        *([] if parameters or "GET" in methods else [rule.endpoint]),
    )


@functools.cache
def shapes(app: Flask) -> list[tuple[Rule, Hashable]]:
    return [(rule, shape(app, rule)) for rule in rules(app)]


def verbs(rule: Rule) -> list[str]:
    """Give one verb that carries signals in the query, and one that has a body, of those that a rule takes."""
    taken = rule.methods or set()
    return [
        found[0] for found in (sorted(taken & {"GET", "DELETE"}), sorted(taken & {"POST", "PUT", "PATCH"})) if found
    ]


def ways(app: Flask, turn: int, *kinds: str) -> Iterator[tuple[Rule, str, str]]:
    """Yield a rule, a verb and a visitor for each time that a request is to be sent.

    :param turn: the number of the request among those of its kind.
    :param kinds: ``"body"``: from the member, and with a body if the rule takes one. ``"turn"``: from each visitor with
        each verb, in turn.
    """
    seen: set[Hashable] = set()
    for number, (rule, of) in enumerate(shapes(app), turn):
        number, rest = divmod(number, 4) if of in seen else (number, 0)
        seen.add(of)
        if rest == 0:
            all_ways = [(verb, visitor) for visitor in ("stranger", "member") for verb in verbs(rule)]
            chosen = {"body": all_ways[-1], "turn": all_ways[number % len(all_ways)]}
            yield from ((rule, *way) for way in sorted({chosen[kind] for kind in kinds}))


def path_of(rule: Rule, part: str) -> str:
    """Fill a rule's variable parts as a browser could, whatever their converters take."""
    return re.sub("<[^>]+>", quote(part, safe="%"), rule.rule)


@functools.cache
def in_query(body: bytes) -> str:
    return f"datastar={quote(body[:50_000].decode('latin-1'))}"


def ask(app: Flask, cookie: str, method: str, url: str, body: bytes, content_type: str) -> Response:
    """Send a request, and take no more than the beginning of what streams.

    The test client would decode each address after the response, for its cookies: a third of the time of these tests.
    """
    headers = {**HEADERS, "Content-Type": content_type, "Cookie": cookie}
    if method in ("GET", "DELETE"):
        url += ("&" if "?" in url else "?") + in_query(body)
        body = b""
    request = EnvironBuilder(app, url, method=method, data=body, headers=headers)
    response = app.response_class(*run_wsgi_app(app, request.get_environ()))
    request.close()
    if response.content_length is None:
        next(iter(response.iter_encoded()), None)
    else:
        response.get_data()
    response.close()
    return response


def check(response: Response, what: object) -> None:
    assert response.status_code < 500, f"{response.status_code} for {what}"


@pytest.mark.parametrize("name", BODIES)
def test_hostile_bodies_are_answered(app: Flask, visitors: dict[str, str], name: str) -> None:
    body, turn = BODIES[name], list(BODIES).index(name)
    # A large one in every way takes minutes, and tries nothing else.
    kinds = ["body"] if len(body) > 20_000 else ["body", "turn"]
    for rule, method, visitor in ways(app, turn, *kinds):
        response = ask(app, visitors[visitor], method, path_of(rule, "1"), body, "application/json")
        check(response, (method, rule, visitor))
        # An answer repeats what was sent a few times at most.
        assert (response.content_length or 0) < 200_000 + 8 * len(body), (method, rule, visitor)


@pytest.mark.parametrize(
    ("turn", "content_type", "body"),
    [(turn, *found) for turn, found in enumerate(itertools.product(CONTENT_TYPES, UNTYPED_BODIES))],
)
def test_wrong_content_types_are_answered(
    app: Flask, visitors: dict[str, str], turn: int, content_type: str, body: bytes
) -> None:
    for rule, method, visitor in ways(app, turn, "turn"):
        check(ask(app, visitors[visitor], method, path_of(rule, "1"), body, content_type), (method, rule, visitor))


@pytest.mark.parametrize(("turn", "part"), list(enumerate(PARTS)))
def test_hostile_parameters_are_answered(app: Flask, visitors: dict[str, str], turn: int, part: str) -> None:
    query = "&".join(f"{name}={part}" for name in NAMES)
    for rule, method, visitor in ways(app, turn, "turn"):
        url = f"{path_of(rule, part)}?{query}"
        check(ask(app, visitors[visitor], method, url, b"{}", "application/json"), (method, rule, visitor))


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_signals_are_answered(app: Flask, visitors: dict[str, str], data: st.DataObject) -> None:
    rule = data.draw(st.sampled_from(sorted(rules(app), key=str)))
    method = data.draw(st.sampled_from(verbs(rule)))
    signals = data.draw(st.dictionaries(st.sampled_from(NAMES), json_values))
    visitor = data.draw(st.sampled_from(sorted(visitors)))

    check(
        ask(app, visitors[visitor], method, path_of(rule, "1"), json.dumps(signals).encode(), "application/json"),
        (method, rule, visitor),
    )


#: The modules of which nothing may be kept.
OWN = ("flask_datastar", "example")


def kept_objects() -> Counter[str]:
    gc.collect()
    return Counter(str(type(found).__module__).partition(".")[0] for found in gc.get_objects())


def test_nothing_is_kept_of_hostile_requests(app: Flask, visitors: dict[str, str]) -> None:
    def storm() -> None:
        for turn, body in enumerate(found for found in BODIES.values() if len(found) < 20_000):
            for rule, method, _ in ways(app, turn, "body"):
                ask(app, visitors["stranger"], method, path_of(rule, "1"), body, "application/json")

    # The first one fills caches: of templates, of statements, of regular expressions.
    storm()
    # What each storm leaves grows with each; what another test's thread makes or drops meanwhile does not.
    growths = []
    while len(growths) < 2 and (not growths or any(growths[0][name] for name in OWN)):
        before = kept_objects()
        storm()
        growths.append(kept_objects() - before)

    grown = growths[-1]
    assert sum(grown[name] for name in OWN) == 0, growths
    assert grown.total() < 1_900, grown
    with app.app_context():
        assert app.extensions["datastar"].stats()["open"] == 0
