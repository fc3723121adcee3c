from __future__ import annotations

from pathlib import Path

import pytest

from flask_datastar.testing import FormNotSent
from tests.example.conftest import Visit

SAMPLE = Path(__file__).parents[2] / "example" / "static" / "expenses.csv"


def test_rows_of_an_uploaded_file_are_imported(visit: Visit) -> None:
    visitor = visit("/import")
    visitor.upload("#file", SAMPLE)

    answer = visitor.click("#start")

    assert answer is not None
    shown = [event.arguments["signals"] for event in answer.events if "signals" in event.arguments]
    assert len(shown) > 50
    assert answer.signals["progress"] == 100
    assert (visitor.text("#imported"), visitor.text("#rejected")) == ("58", "2")
    assert len(visitor.find_all("#problems li")) == 2
    amounts = [float(cell.text) for cell in visitor.find_all("#totals tbody .figure")]
    assert visitor.text("#grand-total") == f"{sum(amounts):.2f}"
    assert not visitor.find("#start").is_disabled


def test_second_import_starts_anew(visit: Visit) -> None:
    visitor = visit("/import")
    visitor.upload("#file", SAMPLE)
    visitor.click("#start")

    visitor.upload("#file", ("empty.csv", b"date,shop,amount\n"))
    visitor.click("#start")

    assert (visitor.text("#imported"), visitor.text("#rejected")) == ("0", "0")
    assert visitor.find_all("#problems li") == []


def test_request_without_a_file_is_refused(visit: Visit) -> None:
    visitor = visit("/import")

    assert visitor.post("import.load", _data={}).status_code == 400
    with pytest.raises(FormNotSent, match="is required, and empty") as unsent:
        visitor.click("#start")
    assert unsent.value.fields == {"file": "valueMissing"}
    assert visitor.requests == []
