"""Accounts: forms that are checked while the user types, and pages and handlers for signed-in users.

The sign-up form is a form of WTForms; the other two forms are dataclasses, that is, typed signals.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_login import UserMixin, current_user, login_required, login_user, logout_user
from flask_wtf import FlaskForm
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column
from werkzeug.security import check_password_hash, generate_password_hash
from werkzeug.wrappers import Response
from wtforms import PasswordField, StringField, ValidationError
from wtforms.validators import DataRequired, EqualTo, Length, Regexp

from example.extensions import datastar, db, login_manager

bp = Blueprint("signup", __name__)

LONGEST_NAME, LONGEST_TEXT = 30, 200
TAKEN = "This address has an account already."


class Account(UserMixin, db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    email: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str]
    birthday: Mapped[date | None]


class SignUp(FlaskForm):
    name = StringField("Name", [DataRequired("What shall we call you?"), Length(max=LONGEST_NAME)])
    email = StringField(
        "E-mail",
        [
            Length(max=LONGEST_TEXT),
            # Not a full check of addresses, but no hostile text can make it slow.
            Regexp(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+$", message="This is not an e-mail address."),
        ],
    )
    password = PasswordField("Password", [Length(10, LONGEST_TEXT, "Use 10 characters or more.")])
    again = PasswordField("The password again", [EqualTo("password", "The passwords differ.")])

    def validate_email(self, field: StringField) -> None:
        if find_account(field.data or ""):
            raise ValidationError(TAKEN)


@dataclass
class SignIn:
    email: str
    password: str
    remember: bool = False


@dataclass
class Profile:
    name: str
    birthday: date | None = None

    def __post_init__(self) -> None:
        self.name = " ".join(self.name.split())[:LONGEST_NAME]


@login_manager.user_loader
def load_account(key: str) -> Account | None:
    return db.session.get(Account, int(key))


def find_account(email: str) -> Account | None:
    return db.session.scalar(db.select(Account).where(Account.email == email.lower()))


@bp.get("/signup")
def page() -> str | Response:
    if current_user.is_authenticated:
        return redirect(url_for("signup.account"))
    form = datastar.form(SignUp)
    # The page starts with all messages, each empty.
    datastar.show_errors(form)
    return render_template("signup.html", form=form)


@datastar.handler(group="signup")
def check() -> None:
    form = datastar.form(SignUp)
    form.validate()
    # Fields that are still empty get no message yet.
    datastar.show_errors(form, only=[name for name, value in form.data.items() if value])


@datastar.handler(group="signup")
def register() -> Response | None:
    form = datastar.form(SignUp)
    fits = form.validate_on_submit()
    datastar.show_errors(form)
    if not fits:
        return None
    password_hash = generate_password_hash(form.password.data, current_app.config["PASSWORD_METHOD"])
    account = Account(name=form.name.data, email=form.email.data.lower(), password_hash=password_hash)
    db.session.add(account)
    try:
        db.session.commit()
    except IntegrityError:
        # Another request created the account after the check.
        db.session.rollback()
        datastar.signal("errors.email", TAKEN)
        return None
    login_user(account)
    return redirect(url_for("signup.account"))


@bp.get("/login")
def login() -> str:
    datastar.show_errors(SignIn)
    return render_template("login.html", next=request.args.get("next"))


@datastar.handler(group="signup", on_invalid=datastar.show_errors)
def sign_in(signals: SignIn, next: str = "") -> Response | None:
    account = find_account(signals.email)
    # Hashed even without an account, so that the response time does not reveal which addresses have one.
    password_hash = account.password_hash if account else some_hash(current_app.config["PASSWORD_METHOD"])
    right = check_password_hash(password_hash, signals.password[:LONGEST_TEXT])
    if account is None or not right:
        datastar.signal("errors._", "There is no account with this address and password.")
        return None
    login_user(account, remember=signals.remember)
    return redirect(next if is_own_path(next) else url_for("signup.account"))


def is_own_path(url: str) -> bool:
    """Return whether a redirect to this URL stays on this site."""
    # Browsers read a backslash as a slash, and skip tabs and line breaks: "/\\elsewhere" and "/\t/elsewhere" lead to
    # another host, as "//elsewhere" does.
    return url.startswith("/") and not url.startswith("//") and "\\" not in url and url.isprintable()


@cache
def some_hash(method: str) -> str:
    return generate_password_hash("any password", method)


@bp.get("/account")
@login_required
def account() -> str:
    datastar.signal("name", current_user.name)
    if current_user.birthday:
        datastar.signal("birthday", current_user.birthday.isoformat())
    datastar.show_errors(Profile)
    return render_template("account.html", model=Profile)


@datastar.handler(group="signup", on_invalid=datastar.show_errors)
@login_required
def save_profile(signals: Profile) -> None:
    if not signals.name:
        datastar.signal("errors.name", "What shall we call you?")
        return
    current_user.name, current_user.birthday = signals.name, signals.birthday
    db.session.commit()
    datastar.patch_template("account.html", block="profile")


@datastar.handler(group="signup")
def sign_out() -> Response:
    logout_user()
    flash("You are signed out.")
    return redirect(url_for("signup.login"))
