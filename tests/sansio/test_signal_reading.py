from __future__ import annotations

import pytest

from flask_datastar.sansio.signal_reading import read_object


def test_read_object_gives_the_signals() -> None:
    assert read_object('{"a": {"b": [1]}}') == {"a": {"b": [1]}}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("null", "null"),
        ("true", "a boolean"),
        ('"a"', "a string"),
        ("[1]", "a list"),
        ("1", "a number"),
        ("1.5", "a number"),
    ],
)
def test_read_object_refuses_what_is_no_object(text: str, kind: str) -> None:
    with pytest.raises(ValueError, match=f"the signals are {kind}; accepted: a JSON object"):
        read_object(text)


@pytest.mark.parametrize("text", ["{", "", '{"a":NaN}', '{"a":"\\udc00"}', '{"a":' * 100_000])
def test_read_object_refuses_what_is_not_json(text: str) -> None:
    with pytest.raises(ValueError, match="the signals are not JSON: "):
        read_object(text)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('{"__proto__": 1}', "__proto__"),
        ('{"a": {"constructor": null}}', "a.constructor"),
        ('{"a": [1, {"prototype": []}]}', "a.1.prototype"),
        ('{"a": {"__pro\\u0074o__": 1}}', "a.__proto__"),
    ],
)
def test_read_object_refuses_names_that_no_answer_could_send_back(text: str, path: str) -> None:
    with pytest.raises(ValueError, match=f"^signal path '{path}' would reach an object's prototype in the browser$"):
        read_object(text)


@pytest.mark.parametrize("text", ['{"a": "__proto__"}', '{"proto": "constructor"}', '{"a": ["prototype", "\\u00e9"]}'])
def test_read_object_takes_such_names_as_values(text: str) -> None:
    assert read_object(text)


def test_read_object_takes_64_levels_and_no_more() -> None:
    def objects(depth: int) -> str:
        return '{"a":' * depth + "1" + "}" * depth

    def lists(depth: int) -> str:
        return '{"a":' + "[" * (depth - 1) + "]" * (depth - 1) + "}"

    assert read_object(objects(64))
    assert read_object(lists(64))
    for text in (objects(65), lists(65)):
        with pytest.raises(ValueError, match="the signals are nested deeper than 64"):
            read_object(text)


def test_read_object_counts_depth_not_brackets() -> None:
    text = '{"a":[' + ",".join(["{}"] * 100) + '],"b":"' + "{[" * 100 + '"}'

    assert len(read_object(text)["a"]) == 100


@pytest.mark.parametrize(
    "number",
    [
        "1e999",
        "-1e+999",
        "1E400",
        "1.5e0309",
        "9" * 305 + "e9",
        "9" * 309 + ".5",
        "9" * 320 + "e-1",
        "9" * 309,
        "-" + "9" * 4300,
    ],
)
@pytest.mark.parametrize("place", ['{"a": %s}', '{"a": {"b": [1, [%s]]}}'])
def test_read_object_refuses_numbers_that_no_answer_could_send_back(number: str, place: str) -> None:
    with pytest.raises(ValueError, match="the signals have a number that is larger than a float can be, such as 1e999"):
        read_object(place.replace("%s", number))


@pytest.mark.parametrize("number", ["1e308", "1e-999", "-1.7e308", "9" * 308, '"1e999"', '"' + "9" * 309 + '"'])
def test_read_object_takes_numbers_that_fit(number: str) -> None:
    assert list(read_object(f'{{"a": [{number}]}}')) == ["a"]
