from __future__ import annotations

from collections.abc import Iterator

import pytest

from flask_datastar.testing import DatastarClient, ElementError
from tests.support.pages import app_with, shown

BODY = """<div id=box><label for=name>Your name</label><input id=name>
<label><input type=checkbox id=tick> Tick it</label><input id=age aria-label=Age><input id=q placeholder=Search>
<b id=lbl>Town</b><input id=town aria-labelledby=lbl><p hidden id=gone>Hidden <a id=child href=/x>child</a></p>
<button id=off disabled>Off</button>
<details id=more><summary>More</summary><a id=deep href=/x>Deep</a></details>
<ul><li>One</li><li>Two</li><li>Two</li></ul><button id=add>Add <b>now</b></button><input type=submit value=Send>
<div><p>Nested</p></div></div>"""


@pytest.fixture(scope="module")
def tab() -> Iterator[DatastarClient]:
    with shown(app_with(BODY)) as tab:
        yield tab


def test_elements_are_found_by_css_text_and_label(tab: DatastarClient) -> None:
    assert tab.find("#add").text == "Add now"
    assert tab.find(text="Add now").id == "add"
    assert tab.find(text="Send")["value"] == "Send"
    assert tab.find(text="Nested").tag == "p"
    assert [one.text for one in tab.find_all(text="Two")] == ["Two", "Two"]
    for label, found in {"Your name": "name", "Tick it": "tick", "Age": "age", "Search": "q", "Town": "town"}.items():
        assert tab.find(label=label).id == found


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ({"selector": "#nam"}, "the nearest is #name; it has the ids #box"),
        ({"selector": "li"}, "3 elements 'li': <li>, <li>, <li>; name one of them"),
        ({"text": "Ad now"}, "nearest is 'Add now'"),
        ({"label": "Your nam"}, "nearest is 'Your name'; it has the labels"),
        ({"text": "Two"}, "has 2 elements with the text 'Two'"),
    ],
)
def test_error_says_what_the_page_has(tab: DatastarClient, named: dict[str, str], message: str) -> None:
    with pytest.raises(ElementError, match=message.replace("[", r"\[")):
        tab.find(**named)


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        ("#gone", "nobody can reach .*it is hidden"),
        ("#off", "is disabled"),
        ("#child", 'it is hidden by <p hidden id="gone">'),
        ("#deep", 'inside the closed <details id="more">'),
    ],
)
def test_what_cannot_be_reached_cannot_be_clicked(tab: DatastarClient, selector: str, message: str) -> None:
    with pytest.raises(ElementError, match=message):
        tab.click(selector)


def test_only_one_description_is_taken(tab: DatastarClient) -> None:
    with pytest.raises(TypeError, match="name the element in one way"):
        tab.find("#add", text="Add now")
    with pytest.raises(ValueError, match="for a text write text='a\\['"):
        tab.find("a[")


def test_page_without_names_says_so() -> None:
    with shown(app_with("<p></p>")) as tab:
        for named, message in ({"selector": "#x"}, "no element of it has an id"), ({"label": "x"}, "it has no labels"):
            with pytest.raises(ElementError, match=message):
                tab.find(**named)
