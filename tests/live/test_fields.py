"""Every field of WTForms in the how-to's macro: untouched, filled in, invalid, cleared, set by the server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

UNTOUCHED = {
    **{"text": "", "area": "", "secret": "", "hidden": "kept", "email": "", "search": "", "tel": "", "url": ""},
    **{"color": "#112233", "needed": None, "whole": None, "given": 7, "decimal": None, "real": None, "range": 5},
    **{"part": "1", "day": None, "clock": None, "moment": None, "local": None, "month": None, "week": None},
    **{"flag": False, "default_flag": True, "choice": "", "number": 2, "several": [], "boxes": ["b"]},
    **{"number_boxes": [], "number_radio": 3, "tags": ["", ""], "flags": [False, False, False]},
    **{"file": None, "files": None, "save": True, "draft": False},
}
NEEDED = ["text", "needed", "number_boxes", "radio", "address", "places", "file"]
TEXTS = {
    **{"text": "abc", "area": "two\nlines", "secret": "sec", "email": "a@b.c", "search": "s", "tel": "1", "url": "u"},
    **{"needed": "0", "whole": "44", "given": "8", "decimal": "1.50", "real": "2.5", "day": "2026-11-21"},
    **{"clock": "12:30", "moment": "2026-11-21 12:30:00", "local": "2026-11-21T12:30", "month": "2026-11"},
    **{"week": "2026-W47", "address-street": "Main", "tags-0": "x", "tags-1": "y", "places-0-street": "One"},
    **{"places-1-street": "Two", "places-1-floor": "3", "color": "#445566", "range": "8", "part": "1.5"},
}
CHECKED = [
    *["flag", "boxes-2", "number_boxes-0", "number_boxes-2", "radio-1", "number_radio-0", "address-kind-2", "flags-1"],
    "places-1-kind-0",
]
FILLED_IN = {
    **{"text": "abc", "area": "two\r\nlines", "secret": "sec", "hidden": "kept", "email": "a@b.c", "search": "s"},
    **{"tel": "1", "url": "u", "color": "#445566", "needed": 0, "whole": 44, "given": 8, "decimal": "1.50"},
    **{"real": 2.5, "range": 8, "part": "1.5", "day": "2026-11-21", "clock": "12:30:00"},
    **{"moment": "2026-11-21 12:30:00", "local": "2026-11-21 12:30:00", "month": "2026-11-01"},
    **{"flag": True, "default_flag": False, "choice": "b", "number": 3, "several": ["a", "c"], "boxes": ["b", "c"]},
    **{"number_boxes": [1, 3], "radio": "b", "number_radio": 1, "tags": ["x", "y"]},
    **{"address": {"street": "Main", "kind": "c", "floor": None}, "file": ["notes.txt", "text/plain", "abc"]},
    **{"files": [["a.txt", "text/plain", "A"], ["b.txt", "text/plain", "B"]], "save": False, "draft": True},
}


class Form:
    """The page with the form, and what the server got of it."""

    def __init__(self, page: Page, url: str, prefix: str) -> None:
        self.page, self._url, self._prefix = page, url, prefix

    def id(self, name: str) -> str:
        return f"#{self._prefix}{name}"

    def send(self, button: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Press a button, and return the form's data and errors."""
        before = int(self.page.locator("#done").inner_text() or 0)
        self.page.click(self.id(button))
        expect(self.page.locator("#done")).not_to_have_text(str(before) if before else "")
        _, data, errors = self.page.request.get(f"{self._url}received").json()
        return data, errors

    def fill_in(self) -> None:
        for name, text in TEXTS.items():
            self.page.fill(self.id(name), text)
        for name in CHECKED:
            self.page.check(self.id(name))
        self.page.uncheck(self.id("default_flag"))
        self.page.select_option(self.id("choice"), "b")
        self.page.select_option(self.id("number"), "3")
        self.page.select_option(self.id("several"), ["a", "c"])
        self.page.set_input_files(self.id("file"), text_file("notes", "abc"))
        self.page.set_input_files(self.id("files"), [text_file("a", "A"), text_file("b", "B")])
        # The client reads files a moment after they were chosen.
        self.page.wait_for_timeout(200)


def text_file(name: str, content: str) -> Any:
    return {"name": f"{name}.txt", "mimeType": "text/plain", "buffer": content.encode()}


@pytest.fixture
def open_form(servers, page) -> Callable[[str, str], Form]:
    server = servers.start("tests.live.apps.fields:app", ready="plain/json")

    def open_form(name: str, content_type: str) -> Form:
        page.goto(f"{server.url}{name}/{content_type}")
        return Form(page, server.url, "own-" if name == "prefixed" else "")

    return open_form


@pytest.mark.parametrize(
    ("name", "content_type"), [("plain", "json"), ("prefixed", "json"), ("plain", "form"), ("prefixed", "form")]
)
def test_fields_arrive_untouched_then_filled_in_then_cleared(open_form, name: str, content_type: str) -> None:
    # One page for all three: to fill in thirty fields costs more than all else.
    form = open_form(name, content_type)
    check_untouched(form)
    form.fill_in()
    check_filled_in(form, content_type)
    check_cleared(form)


def check_untouched(form: Form) -> None:
    data, errors = form.send("save")

    assert {field: data[field] for field in UNTOUCHED} == UNTOUCHED
    assert not data["radio"]
    assert sorted(errors) == sorted(NEEDED)
    expect(form.page.locator(f"{form.id('needed')}-problem")).to_have_text("needed")
    expect(form.page.locator(f"{form.id('places-1-street')}-problem")).to_have_text("needed")
    expect(form.page.locator(f"{form.id('number_boxes')}-problem")).to_have_text("needed")


def check_filled_in(form: Form, content_type: str) -> None:
    data, errors = form.send("draft")

    expected = FILLED_IN
    if content_type == "json":
        # A form post has line breaks of its own, and WTForms loses the places of boxes that are not ticked.
        expected = expected | {"area": "two\nlines", "flags": [False, True, False]}
        assert [place["kind"] for place in data["places"]] == ["", "a"]
    assert {field: data[field] for field in expected} == expected
    assert [(place["street"], place["floor"]) for place in data["places"]] == [("One", None), ("Two", 3)]
    assert errors == {"whole": ["Number must be at most 9."]}
    # Messages that are none any more are gone.
    expect(form.page.locator(f"{form.id('whole')}-problem")).to_have_text("Number must be at most 9.")
    expect(form.page.locator(f"{form.id('needed')}-problem")).to_have_text("")


def check_cleared(form: Form) -> None:
    cleared = [field for field in TEXTS if field not in ("color", "range", "part")]
    for field in cleared:
        form.page.fill(form.id(field), "")
    for field in ("flag", "boxes-1", "boxes-2", "number_boxes-0", "number_boxes-2", "flags-1"):
        form.page.uncheck(form.id(field))
    form.page.select_option(form.id("choice"), "")
    form.page.select_option(form.id("several"), [])
    data, errors = form.send("save")

    none = ("needed", "whole", "given", "decimal", "real", "day", "clock", "moment", "local", "month", "week")
    assert {field: data[field] for field in none} == dict.fromkeys(none)
    assert (data["flag"], data["boxes"], data["number_boxes"], data["several"]) == (False, [], [], [])
    assert (data["text"], data["choice"], data["tags"]) == ("", "", ["", ""])
    assert sorted(errors) == sorted(set(NEEDED) - {"file", "radio"})
    assert [place["floor"] for place in data["places"]] == [None, None]


def test_numbers_and_lists_that_the_server_sets_can_be_changed(open_form) -> None:
    form = open_form("plain", "json")
    form.page.click("#reset")
    expect(form.page.locator("#needed")).to_have_value("4")
    data, _ = form.send("save")
    assert (data["needed"], data["given"], data["radio"]) == (4, 8, "c")
    assert (data["boxes"], data["several"]) == (["c"], ["c"])

    form.page.fill("#needed", "")
    form.page.fill("#given", "")
    form.page.check("#boxes-0")
    data, errors = form.send("save")
    assert (data["needed"], data["given"], data["boxes"]) == (None, None, ["a", "c"])
    assert "needed" in errors
