from __future__ import annotations

from tests.example.conftest import Visit


def test_list_follows_what_is_typed(visit: Visit) -> None:
    visitor = visit("/search")
    total = visitor.text("#summary").removesuffix(" cities")

    visitor.fill(label="City or country", value="sao")

    assert [city.text for city in visitor.find_all("#cities b")] == ["São Paulo"]
    assert visitor.text("#summary") == f"1 of {total} cities"
    assert visitor.find("#results")["aria-busy"] == "false"
    assert visitor.url == "/search?q=sao"


def test_names_that_start_with_the_text_come_first(visit: Visit) -> None:
    visitor = visit("/search?q=in")

    names = [city.text.casefold() for city in visitor.find_all("#cities li")]

    starting = [name.startswith("in") for name in names]
    assert starting == sorted(starting, reverse=True)
    assert False in starting


def test_nothing_found_is_said(visit: Visit) -> None:
    visitor = visit("/search")

    visitor.fill("#query", "nowhere <b>")

    assert visitor.text("#no-results") == "No city matches “nowhere <b>”."
