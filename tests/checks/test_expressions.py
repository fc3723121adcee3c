"""Expressions of the client: actions, signals, keys of objects."""

from __future__ import annotations

import pytest

from flask_datastar.checks.expressions import actions, object_keys, signals


def test_actions_have_their_names_places_and_urls() -> None:
    js = "$a && @post('/x', {retry: 'never'}); @get(`/y`); @put($url); '@delete(1)'; @patch('/z' + $id)"

    assert list(actions(js)) == [
        ("post", js.index("@post"), "/x"),
        ("get", js.index("@get"), "/y"),
        ("put", js.index("@put"), None),
        ("patch", js.index("@patch"), None),
    ]


@pytest.mark.parametrize(
    ("js", "read", "written"),
    [
        ("$a + $b.c", ["a", "b.c"], []),
        ("$a = $b", ["b"], ["a"]),
        ("$a == $b; $c === 1; ($d) => 1", ["a", "b", "c", "d"], []),
        ("$n++; --$m; $k += 1; $l ??= 2; $o ||= 3; $p **= 2", [], ["n", "m", "k", "l", "o", "p"]),
        ("'$a' + `$b ${$c}` // $d", ["c"], []),
        ("el.$a; a$b; $1; $", ["a"], []),
        ("$errors.name ? 'x' : ''", ["errors.name"], []),
    ],
)
def test_signals_are_read_or_written(js: str, read: list[str], written: list[str]) -> None:
    found = list(signals(js))

    assert [name for name, _, is_set in found if not is_set] == read
    assert [name for name, _, is_set in found if is_set] == written
    assert all(js[index] == "$" for _, index, _ in found)


def test_a_name_with_a_computed_end_counts_as_set() -> None:
    assert [is_set for _, _, is_set in signals("$errors\ue000 + $a\ue000")] == [True, True]


@pytest.mark.parametrize(
    ("js", "keys"),
    [
        ("{}", []),
        ("{a: 1, 'b-c': [1, {d: 2}], \"e\": '}', f: \ue000}", ["a", "b-c", "e", "f"]),
        ("{user: {name: '', at: {x: 1}}, b: f(1, 2)}", ["user.name", "user.at.x", "b"]),
        (" {a: 1};", ["a"]),
        ("{a: 1}.b", None),
        ("{\ue000: 1}", None),
        ("{...$a}", None),
        ("{a\ue000: 1}", None),
        ("$a", None),
        ("{a: {b", None),
    ],
)
def test_keys_of_an_object(js: str, keys: list[str] | None) -> None:
    found = object_keys(js)

    assert (None if found is None else [name for name, _ in found]) == keys
