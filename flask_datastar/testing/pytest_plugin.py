"""The pytest plugin: the fixture ``datastar_tab``, a tab of the test's own ``app``.

pytest loads it by itself where the package is installed. It imports nothing of the package before a test asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture
def datastar_tab(app: Any) -> Iterator[Any]:
    """A tab of the fixture ``app``, which is closed after the test."""
    from .client import DatastarClient

    with DatastarClient(app) as tab:
        yield tab
