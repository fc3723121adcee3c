"""The errors: their tree, and what they say to the browser."""

from __future__ import annotations

import pytest
from werkzeug.exceptions import BadRequest, HTTPException

from flask_datastar.errors import ConfigError, DatastarError, InvalidSignals, SetupError


@pytest.mark.parametrize(
    ("error", "parents"),
    [
        (ConfigError, (DatastarError, ValueError)),
        (SetupError, (DatastarError, RuntimeError)),
        (InvalidSignals, (DatastarError, BadRequest, HTTPException)),
    ],
)
def test_error_is_caught_as_its_parents(error: type[Exception], parents: tuple[type[Exception], ...]) -> None:
    assert all(issubclass(error, parent) for parent in parents)


def test_invalid_signals_is_a_400_with_its_text_escaped() -> None:
    error = InvalidSignals("count is <b>")

    assert error.code == 400
    assert error.description == "count is <b>"
    assert error.errors == {}
    assert "count is &lt;b&gt;" in error.get_body()
    assert "<b>" not in error.get_body()


def test_invalid_signals_keeps_a_copy_of_its_errors() -> None:
    errors = {"count": "missing"}

    error = InvalidSignals("bad", errors)
    errors.clear()

    assert error.errors == {"count": "missing"}
