from __future__ import annotations

from collections import UserDict
from dataclasses import asdict, dataclass, is_dataclass
from typing import Any

import pytest

from flask_datastar import sse
from flask_datastar.sansio import strictjson


def test_patch_signals_is_one_compact_line() -> None:
    event = sse.patch_signals({"user": {"name": "Ada"}, "tags": ["a"], "gone": None})

    assert event.encode() == (
        b'event: datastar-patch-signals\ndata: signals {"user":{"name":"Ada"},"tags":["a"],"gone":null}\n\n'
    )


def test_patch_signals_takes_all_options() -> None:
    event = sse.patch_signals({"a": 1}, only_if_missing=True, event_id="7", retry_ms=5)

    assert event.encode() == (
        b'event: datastar-patch-signals\nid: 7\nretry: 5\ndata: onlyIfMissing true\ndata: signals {"a":1}\n\n'
    )


def test_patch_signals_takes_any_mapping() -> None:
    assert sse.patch_signals(UserDict(a=1)) == sse.patch_signals({"a": 1})


def test_patch_signals_takes_another_encoder() -> None:
    event = sse.patch_signals({"a": 1}, dumps=lambda value: '{\n  "a": 1\n}')

    assert event.data_lines == ("signals {", 'signals   "a": 1', "signals }")


@pytest.mark.parametrize("value", [None, [("a", 1)], "{}", 1])
def test_patch_signals_refuses_what_is_no_mapping(value: Any) -> None:
    with pytest.raises(TypeError, match=f"signals is {type(value).__name__}; accepted: a mapping of name to value"):
        sse.patch_signals(value)


@pytest.mark.parametrize("name", ["__proto__", "constructor", "prototype"])
@pytest.mark.parametrize(
    ("path", "make"),
    [
        ("{}", lambda name: {name: 1}),
        ("a.{}", lambda name: {"a": {name: {}}}),
        ("a.1.{}", lambda name: {"a": [0, {name: 1}]}),
        ("a.0.{}", lambda name: {"a": ({name: 1},)}),
    ],
)
def test_names_that_reach_a_prototype_are_refused(name: str, path: str, make: Any) -> None:
    with pytest.raises(ValueError, match=f"signal path '{path.format(name)}' would reach an object's prototype"):
        sse.patch_signals(make(name))


def test_names_that_an_encoder_brings_are_looked_at() -> None:
    @dataclass
    class Car:
        constructor: str

    dumps = strictjson.make_dumps(lambda value: asdict(value) if is_dataclass(value) else None)  # type: ignore[arg-type]

    with pytest.raises(ValueError, match=r"signal path 'car\.constructor' would reach"):
        sse.patch_signals({"car": Car("Opel")}, dumps=dumps)


def test_values_may_be_what_names_may_not() -> None:
    value = {"a": ["__proto__", {"b": "constructor", "constructors": 1}]}

    assert strictjson.loads(sse.patch_signals(value).arguments["signals"]) == value


def test_patch_signals_raw_sends_the_text_as_it_is() -> None:
    event = sse.patch_signals_raw('{ "a": 1,\r\n"b": "\u2028" }', only_if_missing=True, event_id="7", retry_ms=5)

    assert event == sse.raw(
        "datastar-patch-signals",
        ["onlyIfMissing true", 'signals { "a": 1,', 'signals "b": "\u2028" }'],
        event_id="7",
        retry_ms=5,
    )


@pytest.mark.parametrize("text", ["", "{a: 1}", "{'a': 1}", '{"a": NaN}', '{"a": "\n"}', "alert(1)", '{"a":"\\ud800"}'])
def test_patch_signals_raw_refuses_what_is_not_strict_json(text: str) -> None:
    with pytest.raises(ValueError, match="is not strict JSON: "):
        sse.patch_signals_raw(text)


@pytest.mark.parametrize("text", ["[]", "1", "null", '"a"'])
def test_patch_signals_raw_refuses_what_is_no_object(text: str) -> None:
    with pytest.raises(ValueError, match="is not a JSON object; accepted: an object of name to value"):
        sse.patch_signals_raw(text)


@pytest.mark.parametrize("text", ['{"a":{"__proto__":1}}', '{"a":{"__pro\\u0074o__":1}}'])
def test_patch_signals_raw_refuses_names_however_they_are_written(text: str) -> None:
    with pytest.raises(ValueError, match=r"signal path 'a\.__proto__' would reach an object's prototype"):
        sse.patch_signals_raw(text)


def test_patch_signals_raw_refuses_what_is_no_string() -> None:
    with pytest.raises(TypeError, match="the JSON text is dict; accepted: str"):
        sse.patch_signals_raw({})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("paths", "patch"),
    [
        ("a", {"a": None}),
        ("a.b.c", {"a": {"b": {"c": None}}}),
        (["user.name", "user.mail"], {"user": {"name": None, "mail": None}}),
        (["user", "user.name"], {"user": None}),
        (["user.name", "user"], {"user": None}),
        (iter(["a", "a"]), {"a": None}),
    ],
)
def test_remove_signals_merges_paths_into_one_patch(paths: Any, patch: dict[str, Any]) -> None:
    assert sse.remove_signals(paths, event_id="1", retry_ms=2) == sse.patch_signals(patch, event_id="1", retry_ms=2)


@pytest.mark.parametrize("path", ["", ".", ".a", "a.", "a..b"])
def test_remove_signals_refuses_empty_segments(path: str) -> None:
    with pytest.raises(ValueError, match="has an empty segment; accepted: names joined by single dots"):
        sse.remove_signals(["a", path])


def test_remove_signals_refuses_no_path_at_all() -> None:
    with pytest.raises(ValueError, match="remove_signals got no path; give one dotted path or a list of them"):
        sse.remove_signals([])


def test_remove_signals_refuses_a_prototype_and_wrong_types() -> None:
    with pytest.raises(ValueError, match=r"signal path 'a\.__proto__' would reach an object's prototype"):
        sse.remove_signals("a.__proto__")
    with pytest.raises(TypeError, match="signal path is int; accepted: str"):
        sse.remove_signals([1])  # type: ignore[list-item]
