from __future__ import annotations

from typing import Any

from flask_datastar.sansio.signal_paths import set_path


def test_set_path_replaces_what_is_no_mapping_and_copies_what_is() -> None:
    shared = {"b": 1}
    state: dict[str, Any] = {"a": shared, "n": 1}

    set_path(state, ["a", "c"], 2)
    set_path(state, ["n", "m", "o"], 3)

    assert state == {"a": {"b": 1, "c": 2}, "n": {"m": {"o": 3}}}
    assert shared == {"b": 1}
