"""Rows of the table of servers that need nothing but small wheels; ``make servers`` tries all of them."""

from __future__ import annotations

import sys

import pytest

from tests.servers.table import ROWS, Row
from tests.servers.try_servers import try_row


@pytest.mark.parametrize("row", [row for row in ROWS if row.is_tested], ids=lambda row: row.name)
def test_server_does_what_the_table_says(row: Row) -> None:
    _, wrong = try_row(row, sys.executable)

    assert wrong == []
