from __future__ import annotations

from tests.example.conftest import Visit


def test_clicks_count_in_four_places(visit: Visit) -> None:
    visitor = visit("/counter")

    visitor.click("#increment")
    visitor.click("#increment")
    visitor.click("#decrement")

    assert visitor.text("#count") == "1"
    assert [line.text for line in visitor.find_all("#history li")] == ["2 → 1", "1 → 2", "0 → 1"]
    assert visitor.title == "Counter: 1"
    assert "count changed" in visitor.console[-1]


def test_reset_starts_anew(visit: Visit) -> None:
    visitor = visit("/counter")
    visitor.click("#increment")

    visitor.click(text="Reset")

    assert (visitor.text("#count"), visitor.find_all("#history li"), visitor.title) == ("0", [], "Counter")


def test_result_is_shown_on_the_next_page(visit: Visit) -> None:
    visitor = visit("/counter")
    visitor.click("#decrement")

    visitor.click(text="Finish")

    assert visitor.url == "/"
    assert "You counted to -1." in visitor.text("body")
