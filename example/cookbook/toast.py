"""A toast: a short message that leaves by itself."""

from flask import render_template

from example.cookbook.pages import bp
from example.extensions import datastar


@bp.get("/toast")
def toast() -> str:
    return render_template("cookbook/toast.html")


@datastar.handler
def save(name: str = "") -> None:
    show_toast(f"“{name[:30]}” is saved.")


def show_toast(text: str) -> None:
    datastar.patch_template("cookbook/toast.html", macro="message", context={"text": text}, to="toasts", mode="append")
