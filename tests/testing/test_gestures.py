"""Gestures of which a person would notice that they do nothing: each says why."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from flask_datastar import Datastar
from flask_datastar.testing import DatastarClient, ElementError, FormNotSent
from tests.support.pages import app_with, shown

datastar = Datastar()
BODY = Path(__file__).with_name("gestures.html").read_text(encoding="utf-8")


@datastar.handler(group="gestures")
def save() -> None:
    datastar.signal("sent", 1)


@pytest.fixture(scope="module")
def site() -> Flask:
    return app_with(BODY, datastar)


@pytest.fixture
def tab(site: Flask) -> Iterator[DatastarClient]:
    with shown(site) as tab:
        yield tab


# Forms that a browser does not send


@pytest.mark.parametrize(
    ("gesture", "arguments", "form", "field"),
    [
        ("click", ("#send",), "native", "email"),
        ("submit", ("#native",), "native", "email"),
        ("press", ("Enter", "#email"), "native", "email"),
        ("click", ("#post",), "own", "title"),
        ("submit", ("#own",), "own", "title"),
    ],
)
def test_form_that_is_not_sent_says_why(
    tab: DatastarClient, gesture: str, arguments: tuple[str, ...], form: str, field: str
) -> None:
    message = rf'^page .*: a browser does not send <form id="{form}".*<input .*name="{field}" .* is required, and empty'
    with pytest.raises(FormNotSent, match=message) as invalid:
        getattr(tab, gesture)(*arguments)

    assert invalid.value.fields == {field: "valueMissing"}
    assert tab.requests == []
    assert tab.find(f"[name={field}]").has_focus
    assert tab.text("#plain") == "p"  # it is told once, and a test may go on


def test_form_is_sent_once_it_is_valid(tab: DatastarClient) -> None:
    with pytest.raises(FormNotSent):
        tab.submit("#native")
    tab.fill("#email", "a")
    tab.fill("#age", "7")
    with pytest.raises(FormNotSent, match=r"has '7', which is less than 18; fill it, or expect FormNotSent"):
        tab.click("#send")
    tab.fill("#age", "18")
    tab.click("#send")

    assert tab.signals["sent"] == 1


def test_form_without_checks_is_sent(tab: DatastarClient) -> None:
    tab.click("#any")
    assert tab.signals["sent"] == 1


def test_button_that_has_sent_its_own_request_has_done_something(tab: DatastarClient) -> None:
    tab.click("#both")
    assert tab.signals["sent"] == 1


def test_field_that_the_page_refuses_says_so(tab: DatastarClient) -> None:
    tab.fill("#word", "x")
    with pytest.raises(FormNotSent, match=r"is refused by the page: 'Not a \{word\}'") as invalid:
        tab.click("#coded")
    assert invalid.value.fields == {"word": "customError"}


def test_hidden_field_of_which_nobody_is_told_is_named(tab: DatastarClient) -> None:
    tab.find("#unseen")
    tab._running_page().call("evaluate", "document.getElementById('unseen').required = true")
    with pytest.raises(
        FormNotSent, match=r"is required, and empty \(nobody is told, because it is hidden by <div hidden>\)"
    ):
        tab.click("#coded")


@pytest.mark.parametrize(
    ("field", "value", "flaw", "message"),
    [
        ("mail", "x", "typeMismatch", "has 'x', which is not of its type email"),
        ("pat", "x", "patternMismatch", "has 'x', which does not match its pattern [a-z]{2}"),
        ("short", "x", "tooShort", "has 'x', which is shorter than 3 characters"),
        ("low", "1", "rangeUnderflow", "has '1', which is less than 3"),
        ("high", "4", "rangeOverflow", "has '4', which is more than 3"),
        ("step", "4", "stepMismatch", "has '4', which is not in its steps"),
        ("tick", None, "valueMissing", "is required, and not checked"),
        ("size", None, "valueMissing", "is required, and empty"),
        ("photo", None, "valueMissing", "is required, and empty"),
    ],
)
def test_each_flaw_is_named(tab: DatastarClient, field: str, value: str | None, flaw: str, message: str) -> None:
    if value is None:
        tab._running_page().call("evaluate", f"document.getElementById('{field}').required = true")
    else:
        tab.fill(f"#{field}", value)
    with pytest.raises(FormNotSent, match=re.escape(message)) as invalid:
        tab.click("#go")
    assert invalid.value.fields == {field: flaw}


def test_enter_that_sends_no_form_says_why(tab: DatastarClient) -> None:
    with pytest.raises(ElementError, match=r'Enter does not send <form id="two".*it has several fields, and no button'):
        tab.press("Enter", "#a")
    with pytest.raises(ElementError, match='<form id="off"> cannot be sent: its button <button disabled> is disabled'):
        tab.press("Enter", "#c")
    tab.press("Enter", "#d")
    assert tab.signals["told"] == "Enter"


# Keys


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("Entr", "no keyboard has 'Entr'; accepted: one character, or a name of KeyboardEvent.key.*nearest is 'Enter'"),
        ("enter", "the nearest is 'Enter'"),
        ("Esc", "the nearest is 'Escape'"),
        ("Space", "the nearest is ' '"),
        ("Control+Entr", "no keyboard has 'Entr'"),
        ("Ctrl+k", "'Ctrl' is not a modifier; accepted: Control, Shift, Alt, Meta; the nearest is 'Control'"),
        ("", "key is '': no keyboard has ''"),
    ],
)
def test_key_that_no_keyboard_has_is_refused(tab: DatastarClient, key: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        tab.press(key, "#d")


@pytest.mark.parametrize(("key", "told"), [("F5", "F5"), ("Control++", "+"), ("Alt+Enter", "Enter")])
def test_keys_of_a_keyboard_are_pressed(tab: DatastarClient, key: str, told: str) -> None:
    tab.press(key, "#d")
    assert tab.signals["told"] == told


# What a person cannot reach, or what takes nothing


@pytest.mark.parametrize(
    ("gesture", "arguments", "message"),
    [
        ("click", ("#dis",), "is disabled"),
        (
            "click",
            ("#lab",),
            'the click does nothing: its label is that of <input id="dis" disabled>, which is disabled',
        ),
        ("click", ("#inside",), '<b id="inside"> is inside <button disabled id="wrap">, which is disabled'),
        ("click", ("#still",), "is inert"),
        ("click", ("#inert",), '<button id="inert"> is inside the inert <div inert id="still">'),
        ("focus", ("#inert",), "is inside the inert"),
        ("click", ("#menu [value=a]",), "is an option of a menu; use select"),
        ("press", ("Enter", "#nofocus"), "cannot have the focus, so it gets no key"),
        ("blur", ("#email",), "does not have the focus, nothing has it"),
        ("select", ("#menu",), "select got no value"),
        ("select", ("#menu", "a", "b"), "select got 2 values"),
        ("upload", ("#file",), "upload got no file"),
        ("fill", ("#range", "500"), "does not take '500'; accepted: a number between its min and max"),
        ("fill", ("#range", "x"), "accepted: a number between its min and max"),
        ("fill", ("#colour", "red"), "accepted: a colour such as #00ff00"),
        ("fill", ("#day", "31.1.2026"), "accepted: a date such as 2026-01-31"),
        ("fill", ("#number", "seven"), "accepted: a number"),
    ],
)
def test_gesture_that_would_do_nothing_says_why(
    tab: DatastarClient, gesture: str, arguments: tuple[str, ...], message: str
) -> None:
    with pytest.raises((ElementError, ValueError), match=re.escape(message)):
        getattr(tab, gesture)(*arguments)
    assert (tab.signals["range"], tab.signals["colour"]) == (50, "#000000")


def test_values_in_other_forms_are_taken(tab: DatastarClient) -> None:
    tab.fill("#range", "70.0")
    tab.fill("#colour", "#FF8800")
    assert (tab.signals["range"], tab.signals["colour"]) == (70, "#ff8800")


def test_modal_dialog_keeps_from_the_rest_of_the_page(tab: DatastarClient) -> None:
    tab.click("#open")
    for gesture in (lambda: tab.click("#open"), lambda: tab.fill("#email", "a"), lambda: tab.check("#tick")):
        with pytest.raises(ElementError, match='is behind the modal <dialog id="dialog" open>; close that first'):
            gesture()
    tab.click("#close")
    tab.fill("#email", "a")
    tab.click("#open")
    tab._running_page().call("evaluate", "document.getElementById('dialog').remove()")
    tab.fill("#email", "b")
    assert tab.value("#email") == "b"
