"""Values of models as signals."""

from __future__ import annotations

from datetime import time, timedelta
from enum import Enum
from typing import Any

import pytest

from flask_datastar.models.plain import to_plain


class Size(Enum):
    SMALL = "s"


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (None, ""),
        (Size.SMALL, "s"),
        ({Size.SMALL: 1}, {"s": 1}),
        (timedelta(minutes=1, seconds=0.5), 60.5),
        (time(9, 30), "09:30:00"),
        ({2, 1}, [1, 2]),
    ],
)
def test_value_is_written_as_signals_have_it(value: Any, plain: Any) -> None:
    assert to_plain(value) == plain
