from __future__ import annotations

import itertools

import pytest

from flask_datastar.testing import DatastarClient
from tests.example.conftest import Visit

NUMBERS = itertools.count()


def sign_up(visitor: DatastarClient, **fields: str) -> str:
    """Fill the form in and send it; return the address."""
    email = f"ada{next(NUMBERS)}@example.org"
    for name, value in {"name": "Ada", "email": email, "password": "a long password", **fields}.items():
        visitor.fill(f"#{name}", value)
    visitor.fill("#again", fields.get("again", fields.get("password", "a long password")))
    visitor.click("#signup button")
    return email


def test_messages_come_while_typing_and_an_account_is_made(visit: Visit) -> None:
    visitor = visit("/signup")
    visitor.fill("#email", "ada")
    assert visitor.text("#email-problem") == "This is not an e-mail address."
    assert visitor.find("#email")["aria-invalid"] == "true"
    assert visitor.text("#password-problem") == ""

    visitor.fill("#email", "ada@example.org")
    assert visitor.text("#email-problem") == ""
    visitor.fill("#name", "Ada")
    visitor.fill("#password", "a long password")
    visitor.fill("#again", "a long password")
    visitor.click("#signup button")

    assert visitor.url == "/account"
    assert "Signed in as Ada" in visitor.text("#profile")


@pytest.mark.parametrize(
    ("fields", "problem", "message"),
    [
        ({"name": ""}, "name", "What shall we call you?"),
        ({"password": "short"}, "password", "Use 10 characters or more."),
        ({"again": "another password"}, "again", "The passwords differ."),
    ],
)
def test_form_with_a_mistake_makes_no_account(visit: Visit, fields: dict[str, str], problem: str, message: str) -> None:
    visitor = visit("/signup")

    email = sign_up(visitor, **fields)

    assert visitor.text(f"#{problem}-problem") == message
    assert visitor.url == "/signup"
    assert sign_in(visit("/login"), email).url == "/login"


def test_address_is_taken_once(visit: Visit) -> None:
    email = sign_up(visit("/signup"))
    visitor = visit("/signup")

    visitor.fill("#email", email.upper())

    assert visitor.text("#email-problem") == "This address has an account already."


def sign_in(visitor: DatastarClient, email: str, password: str = "a long password") -> DatastarClient:
    visitor.fill("#email", email)
    visitor.fill("#password", password)
    visitor.click("#login button")
    return visitor


def test_visitor_signs_in_and_out(visit: Visit) -> None:
    email = sign_up(visit("/signup"))

    visitor = sign_in(visit("/account"), email)
    assert visitor.url == "/account"
    assert email in visitor.text("#profile")

    visitor.click(text="Sign out")
    assert visitor.url == "/login"
    assert "You are signed out." in visitor.text("body")
    visitor.load("/account")
    assert visitor.url.startswith("/login?next=")


def test_wrong_password_and_unknown_address_read_alike(visit: Visit) -> None:
    email = sign_up(visit("/signup"))

    for given, password in [(email, "another password"), ("nobody@example.org", "a long password")]:
        visitor = sign_in(visit("/login"), given, password)
        assert visitor.text("#login-problem") == "There is no account with this address and password."
        assert visitor.url == "/login"


@pytest.mark.parametrize("path", ["//elsewhere.example", "/\\elsewhere.example", "https://elsewhere.example"])
def test_sign_in_leads_to_no_other_site(visit: Visit, path: str) -> None:
    email = sign_up(visit("/signup"))

    visitor = visit("/login")
    visitor.load(f"/login?next={path}")

    assert sign_in(visitor, email).url == "/account"


def test_profile_is_changed(visit: Visit) -> None:
    visitor = visit("/signup")
    sign_up(visitor)

    visitor.fill("#birthday", "yesterday")
    visitor.click(text="Save")
    assert visitor.text("#birthday-problem") != ""
    visitor.fill("#birthday", "1815-12-10")
    visitor.fill("#name", "Ada Lovelace")
    visitor.click(text="Save")

    assert visitor.text("#birthday-problem") == ""
    assert "Ada Lovelace" in visitor.text("#profile")
    assert "born on 1815-12-10" in visitor.text("#profile")
