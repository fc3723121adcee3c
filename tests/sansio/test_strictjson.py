from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from json import encoder
from typing import Any

import pytest

from flask_datastar.sansio import strictjson


def nested(depth: int, innermost: object = 1) -> list[Any]:
    value: list[Any] = [innermost]
    for _ in range(depth - 1):
        value = [value]
    return value


def test_dumps_is_compact_ascii() -> None:
    assert strictjson.dumps({"a": [1, 2.5, None, True], "é": "\u2028"}) == '{"a":[1,2.5,null,true],"\\u00e9":"\\u2028"}'


def test_dumps_is_that_of_the_standard_library() -> None:
    value = {"a": {"b": ["\\", '"', "\x00", "🙂", 1e22, -0.0, ()]}, 1: {}, None: []}

    assert strictjson.dumps(value) == json.dumps(value, separators=(",", ":"))


def test_make_dumps_takes_the_settings_of_a_provider() -> None:
    dumps = strictjson.make_dumps(str, ensure_ascii=False, sort_keys=True)

    assert dumps({"b": Decimal("1.10"), "a": "é"}) == '{"a":"é","b":"1.10"}'


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            {"a": {"b": [0, float("nan")]}},
            "'a.b.1' cannot be sent as JSON: nan is not a JSON number; send None or a text",
        ),
        ({"a": [1, None], "b": {"c": "d"}, "e": float("nan")}, "'e' cannot be sent as JSON: nan is not a JSON number"),
        ({"a": (float("inf"),)}, "'a.0' cannot be sent as JSON: inf is not a JSON number"),
        (float("-inf"), "the value cannot be sent as JSON: -inf is not a JSON number"),
        pytest.param(10**5000, "int cannot be sent as JSON: Exceeds the limit", id="too many digits"),
    ],
)
def test_numbers_that_json_lacks_are_refused_by_path(value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        strictjson.dumps(value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": [{}, {"b": b"x"}]}, "'a.1.b' cannot be sent as JSON: b'x' is bytes, which JSON does not know"),
        ({"a": {(1, 2): 3}}, r"'a' cannot be sent as JSON: the key \(1, 2\) is tuple; accepted: str"),
        ({1, 2}, r"the value cannot be sent as JSON: {1, 2} is set"),
    ],
)
def test_types_that_json_lacks_are_refused_by_path(value: object, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        strictjson.dumps(value)


def test_keys_that_cannot_be_sorted_are_refused_by_path() -> None:
    dumps = strictjson.make_dumps(sort_keys=True)

    for value, place in (({"a": 1, 2: 3}, "the value"), ({"rows": [{1: 1, "2": 2}]}, r"'rows\.0'")):
        with pytest.raises(
            TypeError, match=f"^{place} cannot be sent as JSON: its keys are int and str, which cannot be sorted; acce"
        ):
            dumps(value)
    assert strictjson.dumps({"a": 1, 2: 3}) == '{"a":1,"2":3}'
    assert dumps({10: 1, 9.5: 2}) == '{"9.5":2,"10":1}'


def test_what_a_default_gives_is_looked_into() -> None:
    dumps = strictjson.make_dumps(lambda value: {"of": float("nan")} if value == 1j else None)

    assert dumps([2j]) == "[null]"
    with pytest.raises(ValueError, match=r"'a\.0\.of' cannot be sent as JSON: nan is not a JSON number"):
        dumps({"a": [1j]})


def test_the_reason_of_a_default_is_told() -> None:
    def refuse(value: object) -> object:
        raise TypeError(f"{value} is beyond me")

    with pytest.raises(TypeError, match="'a' cannot be sent as JSON: 1j is beyond me"):
        strictjson.make_dumps(refuse)({"a": 1j})


def test_a_default_without_end_is_refused() -> None:
    with pytest.raises(ValueError, match="the value cannot be sent as JSON: it is nested too deeply"):
        strictjson.make_dumps(lambda value: complex(value.real + 1))(1j)


def test_a_circle_is_refused_by_path() -> None:
    value: dict[str, Any] = {"a": [1]}
    value["a"].append(value)

    with pytest.raises(ValueError, match=r"'a\.1' cannot be sent as JSON: it contains itself"):
        strictjson.dumps(value)


def test_the_same_constant_twice_is_no_circle() -> None:
    constant = {"a": 1}

    assert strictjson.dumps([constant, constant]) == '[{"a":1},{"a":1}]'


def test_what_is_nested_too_deeply_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'0\.0\.0\.0\.0\.0\.0\.0' cannot be sent as JSON: it is nested too deeply"):
        strictjson.dumps(nested(100_000))


@pytest.mark.parametrize("ensure_ascii", [True, False])
@pytest.mark.parametrize("value", [{"a": "\ud83d"}, {"\udc00": 1}, ["🙂\udfff"]])
def test_lone_surrogates_are_refused(value: object, ensure_ascii: bool) -> None:
    dumps = strictjson.make_dumps(ensure_ascii=ensure_ascii)

    with pytest.raises(ValueError, match=r"the JSON text contains the lone surrogate U\+D"):
        dumps(value)


def test_what_looks_like_a_surrogate_is_sent() -> None:
    assert json.loads(strictjson.dumps({"a": "\\ud83d", "b": "🙂"})) == {"a": "\\ud83d", "b": "🙂"}


def test_a_deep_value_with_a_surrogate_pair_ends_in_a_value_error_at_worst() -> None:
    for depth in range(200, 2000, 50):
        try:
            assert "\\ud83d" in strictjson.dumps(nested(depth, "🙂"))
            assert strictjson.loads("[" * depth + '"\\ud83d\\ude42"' + "]" * depth)
        except ValueError as error:
            assert "nested too deeply" in str(error)  # noqa: PT017


@pytest.mark.parametrize("make", [None, lambda *settings: lambda value, level: ("[]",), lambda: None])
def test_without_the_encoder_in_c_the_result_is_the_same(
    monkeypatch: pytest.MonkeyPatch, make: Callable[..., object] | None
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(encoder, "c_make_encoder", make)
        dumps = strictjson.make_dumps(str, ensure_ascii=False)

    assert dumps({"a": ["é", 1j]}) == '{"a":["é","1j"]}'
    with pytest.raises(ValueError, match="'a' cannot be sent as JSON: nan"):
        dumps({"a": float("nan")})


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_loads_refuses_constants_of_javascript(constant: str) -> None:
    with pytest.raises(ValueError, match=f"{constant} is not JSON"):
        strictjson.loads(f'{{"a":{constant}}}')


@pytest.mark.parametrize(
    "text", ["", "{", "{'a':1}", "{a:1}", '{"a":1,}', '["\n"]', "\ufeff{}", "undefined", "1 2", "[٣]"]
)
def test_loads_refuses_what_is_not_json(text: str) -> None:
    with pytest.raises(ValueError, match=r"line 1 column"):
        strictjson.loads(text)


@pytest.mark.parametrize("text", ['"\\ud83d"', '["\\uDE42"]', '{"\\ud83dx":1}', '"\ud83d"'])
def test_loads_refuses_lone_surrogates(text: str) -> None:
    with pytest.raises(ValueError, match="the JSON text contains the lone surrogate"):
        strictjson.loads(text)


def test_loads_refuses_a_nesting_bomb() -> None:
    with pytest.raises(ValueError, match="it is nested too deeply"):
        strictjson.loads("[" * 200_000)


def test_loads_gives_the_value() -> None:
    assert strictjson.loads(' {"a": ["\\ud83d\\ude42", 1e3, null]}\r\n') == {"a": ["🙂", 1000.0, None]}
