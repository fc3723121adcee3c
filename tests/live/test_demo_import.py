"""The import: a real file is uploaded and read row by row, and the page shows it while it happens."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.live.servers import ROOT

PAUSE_SECONDS = 0.1
# Keeps each value of the bar with the moment at which it was set.
WATCH_PROGRESS = """
window.seen = []
new MutationObserver(() => {
  const value = document.getElementById('progress').value
  if (value !== window.seen.at(-1)?.value) window.seen.push({value, at: performance.now()})
}).observe(document.getElementById('progress'), {attributes: true})
"""


@pytest.fixture
def import_page(example, page) -> Page:
    page.goto(f"{example.url}import")
    return page


@pytest.fixture
def slow_import_page(servers, page) -> Page:
    """Open the page of a server that rests for so long that also a busy browser paints what happens meanwhile."""
    server = servers.start(
        "example:create_app()",
        EXAMPLE_IMPORT_PAUSE_SECONDS=str(PAUSE_SECONDS),
        EXAMPLE_SECRET_KEY="only for tests",
        EXAMPLE_SQLALCHEMY_DATABASE_URI=f"sqlite:///{servers.folder / 'import.sqlite'}",
    )
    page.goto(f"{server.url}import")
    return page


def upload(page: Page, content: bytes, name: str = "own.csv") -> None:
    page.get_by_label("CSV file").set_input_files({"name": name, "mimeType": "text/csv", "buffer": content})
    page.get_by_role("button", name="Import").click()


def test_sample_is_imported_while_the_bar_moves(slow_import_page, tmp_path):
    import_page = slow_import_page
    with import_page.expect_download() as download:
        import_page.get_by_role("link", name="Download the sample").click()
    sample = Path(tmp_path / "sample.csv")
    download.value.save_as(sample)
    assert sample.read_bytes() == (ROOT / "example" / "static" / "expenses.csv").read_bytes()
    import_page.evaluate(WATCH_PROGRESS)

    import_page.get_by_label("CSV file").set_input_files(sample)
    import_page.get_by_role("button", name="Import").click()
    # Looked at in an animation frame, that is in a state that is painted: the bar is on its way, the form locked.
    import_page.wait_for_function(
        """() => {
          const value = document.getElementById('progress').value
          return value > 0 && value < 100 && document.getElementById('start').disabled
        }"""
    )

    expect(import_page.locator("#totals table")).to_be_visible()
    expect(import_page.locator("#start")).to_be_enabled()
    expect(import_page.locator("#problems > li")).to_have_text(
        ["Line 18: “twelve” is not an amount like 12.50", "Line 42: 2 instead of 3 columns"]
    )
    assert import_page.locator("#imported").text_content() == "58"
    assert import_page.locator("#rejected").text_content() == "2"
    seen = import_page.evaluate("window.seen")
    values = [entry["value"] for entry in seen]
    assert values == sorted(values)
    assert values[-1] == 100
    assert len(values) > 10
    # All at once, as a buffering server would send them, they would take far less than half of the time.
    assert seen[-1]["at"] - seen[0]["at"] > 60 * PAUSE_SECONDS * 1000 / 2


def test_totals_are_those_of_the_good_rows(import_page):
    rows = ["date,shop,amount", "2026-01-01,Böttcher & Søn,1.50", '2026-01-02,"A, ""B""",2', "", "2026-01-03,<b>,-0.25"]
    rows += ["2026-02-30,x,1", "2026-01-04,,1", '2026-01-04,"x"y,1', "2026-01-05,<i>x</i>", "2026-01-06,<b>,<i>"]
    rows += ["2026-01-07,<b>,4"]
    upload(import_page, "\r\n".join(rows).encode())

    expect(import_page.locator("#grand-total")).to_have_text("7.25")
    assert import_page.locator("#totals tbody > tr").all_inner_texts() == [
        "<b>\t3.75",
        'A, "B"\t2',
        "Böttcher & Søn\t1.50",
    ]
    assert import_page.locator("#problems > li").all_text_contents() == [
        "Line 6: “2026-02-30” is not a date like 2026-01-31",
        "Line 7: the shop is missing",
        "Line 8: the quotes do not match (',' expected after '\"')",
        "Line 9: 2 instead of 3 columns",
        "Line 10: “<i>” is not an amount like 12.50",
    ]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "Line 1: the columns have to be date, shop, amount"),
        (b"name,price\nx,1\n", "Line 1: the columns have to be date, shop, amount"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "Line 1: the columns have to be date, shop, amount"),
        ("date,shop,amount\n2026-01-01,Café,1\n".encode("latin-1"), "Line 2: this is not UTF-8 text"),
        (b'date,shop,amount\n2026-01-01,"open,1\n2026-01-01,x,1\n', "Line 2: the quotes do not match"),
    ],
    ids=["empty", "other columns", "no text", "other encoding", "open quote"],
)
def test_unfit_file_is_explained(import_page, content, problem):
    upload(import_page, content)

    expect(import_page.locator("#problems > li")).to_contain_text([problem])
    expect(import_page.locator("#grand-total")).to_have_text("0")
    expect(import_page.locator("#imported")).to_have_text("0")
    expect(import_page.locator("#start")).to_be_enabled()


def test_second_import_starts_afresh(import_page):
    upload(import_page, b"date,shop,amount\n2026-01-01,x\n2026-01-01,x,1\n")
    expect(import_page.locator("#grand-total")).to_have_text("1")
    expect(import_page.locator("#problems > li")).to_have_count(1)

    upload(import_page, b"date,shop,amount\n2026-01-01,y,3\n")

    expect(import_page.locator("#grand-total")).to_have_text("3")
    expect(import_page.locator("#problems > li")).to_have_count(0)
    expect(import_page.locator("#imported")).to_have_text("1")


def test_without_a_file_nothing_is_sent(import_page):
    requests = []
    import_page.on("request", lambda request: requests.append(request))

    import_page.get_by_role("button", name="Import").click()

    assert import_page.locator("#file").evaluate("(input) => input.matches(':user-invalid')")
    expect(import_page.locator("#start")).to_be_enabled()
    assert requests == []


def test_file_beyond_the_limit_is_refused_visibly(import_page, noise):
    noise.expect_in_browser("status of 413")
    upload(import_page, b"x" * 1024 * 1100)

    expect(import_page.get_by_role("alert")).to_contain_text("more than the server accepts (status 413).")
    expect(import_page.locator("#start")).to_be_enabled()


def test_cancel_stops_the_server(import_page, example):
    since = len(example.log())
    upload(import_page, b"date,shop,amount\n" + b"2026-01-01,x,1\n" * 2000)
    expect(import_page.locator("#imported")).not_to_have_text("0")

    import_page.get_by_role("link", name="Cancel").click()

    example.wait_for_log(r"Import cancelled: \d{1,3} rows imported", since)
    expect(import_page.locator("#imported")).to_have_text("0")
    expect(import_page.get_by_role("link", name="Cancel")).to_be_hidden()


def test_leaving_the_page_stops_the_server(import_page, example):
    since = len(example.log())
    upload(import_page, b"date,shop,amount\n" + b"2026-01-01,x,1\n" * 2000)
    expect(import_page.locator("#imported")).not_to_have_text("0")

    import_page.get_by_role("navigation").get_by_role("link", name="Counter").click()

    example.wait_for_log(r"Import cancelled: \d{1,3} rows imported", since)
