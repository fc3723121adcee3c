from __future__ import annotations

import math
import re
from typing import Any

import pytest

from flask_datastar.sansio.actions import OPTIONS, action
from flask_datastar.sansio.javascript import Expression

js = Expression.from_js


def written(**options: object) -> str:
    """Give the text of an action's options."""
    text = action("get", ["/x"], options).js
    return text.removeprefix("@get('/x', {").removesuffix("})")


@pytest.mark.parametrize("verb", ["get", "post", "put", "patch", "delete", "query"])
def test_an_action_is_a_verb_and_a_url(verb: str) -> None:
    assert action(verb, ["/ds/cart/add"], {}).js == f"@{verb}('/ds/cart/add')"


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        (["/a", "/b?c=", "1"], "'/a/b?c=1'"),
        (["/a?b=", js("$b"), "&c=", js("$c")], "'/a?b=' + encodeURIComponent($b) + '&c=' + encodeURIComponent($c)"),
        (["/", js("$a"), js("$b")], "'/' + encodeURIComponent($a) + encodeURIComponent($b)"),
        ([js("$a"), "", "/b"], "encodeURIComponent($a) + '/b'"),
        (["", js("$a"), ""], "encodeURIComponent($a)"),
        (["/it's;@a(\\"], r"'/it\u0027s\u003b\u0040a(\u005c'"),
    ],
)
def test_a_url_is_joined_of_texts_and_encoded_expressions(parts: list[Any], text: str) -> None:
    assert action("post", parts, {}).js == f"@post({text})"


def test_an_action_is_escaped_for_attributes() -> None:
    assert str(action("get", ["/a?b&c"], {})) == "@get(&#39;/a?b&amp;c&#39;)"


def test_all_options_have_the_names_of_the_client() -> None:
    assert written(
        content_type="form",
        filter_signals={"include": "^a", "exclude": re.compile(r"\.b$")},
        headers={"X-CSRFToken": js("$_csrf"), "X-Count": 1},
        selector="#form",
        open_when_hidden=True,
        retry="always",
        retry_interval_ms=500,
        retry_scaler=1.5,
        retry_max_wait_ms=0,
        retry_max_count=math.inf,
        request_cancellation="cleanup",
        payload={"a": [1], "b": js("$b")},
    ) == ", ".join(
        [
            "contentType: 'form'",
            r"filterSignals: {include: '^a', exclude: '\u005c.b$'}",
            "headers: {'X-CSRFToken': $_csrf, 'X-Count': '1'}",
            "selector: '#form'",
            "openWhenHidden: true",
            "retry: 'always'",
            "retryInterval: 500",
            "retryScaler: 1.5",
            "retryMaxWait: 0",
            "retryMaxCount: Infinity",
            "requestCancellation: 'cleanup'",
            'payload: {"a":[1],"b":($b)}',
        ]
    )


def test_the_order_of_options_is_always_the_same() -> None:
    one = action("get", ["/x"], {"retry": "never", "selector": "a"})
    other = action("get", ["/x"], {"selector": "a", "retry": "never"})

    assert one == other


def test_none_leaves_an_option_out() -> None:
    assert action("get", ["/x"], dict.fromkeys(OPTIONS)).js == "@get('/x')"


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_takes_an_expression(name: str) -> None:
    client_name, _ = OPTIONS[name]

    # A payload is a literal, in which an expression is put into parentheses only below the top.
    assert written(**{name: js("$x")}) == f"{client_name}: $x"


def test_false_and_expressions_in_a_filter_are_written() -> None:
    assert written(open_when_hidden=False, filter_signals={"include": js("/^tabId$/")}) == (
        "filterSignals: {include: /^tabId$/}, openWhenHidden: false"
    )


def test_unknown_options_are_refused_with_a_list() -> None:
    with pytest.raises(
        TypeError, match=r"unknown action option _retries; accepted: _content_type, .*, _prefix, _module"
    ):
        action("get", ["/x"], {"retries": None})


@pytest.mark.parametrize(
    ("name", "value", "error", "message"),
    [
        ("content_type", "xml", ValueError, r"action option _content_type is 'xml'; accepted: json, form"),
        ("retry", True, ValueError, r"_retry is True; accepted: auto, error, always, never"),
        ("request_cancellation", "x", ValueError, r"_request_cancellation is 'x'; accepted: auto, cleanup, disabled"),
        ("open_when_hidden", 1, TypeError, r"_open_when_hidden is 1; accepted: True or False"),
        ("selector", 1, TypeError, r"_selector is 1; accepted: str"),
        ("retry_interval_ms", -1, ValueError, r"_retry_interval_ms is -1; accepted: a number, 0 or more, or math.inf"),
        ("retry_scaler", math.nan, ValueError, r"_retry_scaler is nan; accepted: a number"),
        ("retry_max_count", True, ValueError, r"_retry_max_count is True; accepted: a number"),
        ("retry_max_wait_ms", "1", ValueError, r"_retry_max_wait_ms is '1'; accepted: a number"),
        ("headers", ["a"], TypeError, r"_headers is \['a'\]; accepted: a mapping of header to value"),
        ("headers", {"a b": "c"}, ValueError, r"_headers: 'a b' is not a header name"),
        ("headers", {1: "c"}, ValueError, r"_headers: 1 is not a header name"),
        ("headers", {"a": "b\nc"}, ValueError, r"_headers: the value of 'a' has a line break"),
        ("headers", {"a": "b\rc"}, ValueError, r"_headers: the value of 'a' has a line break"),
        (
            "filter_signals",
            "^a",
            TypeError,
            r"_filter_signals is '\^a'; accepted: a mapping with 'include' or 'exclude'",
        ),
        ("filter_signals", {}, TypeError, r"_filter_signals is {}; accepted: a mapping"),
        ("filter_signals", {"only": "a"}, TypeError, r"_filter_signals is {'only': 'a'}; accepted: a mapping"),
        ("filter_signals", {"include": 1}, TypeError, r"_filter_signals\['include'\] is 1; accepted: str"),
        ("filter_signals", {"include": re.compile(b"a")}, TypeError, r"_filter_signals\['include'\] is b'a'"),
        ("payload", 1j, TypeError, r"the value cannot be sent as JSON"),
        ("payload", {"a": math.nan}, ValueError, r"'a' cannot be sent as JSON: nan"),
    ],
)
def test_values_that_the_client_does_not_take_are_refused(
    name: str, value: object, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        action("get", ["/x"], {name: value})
