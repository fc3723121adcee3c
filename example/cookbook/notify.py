"""Notifications for one user: they appear in all windows of this user, and in no other."""

import secrets

from flask import render_template, session

from example.cookbook.pages import bp
from example.extensions import datastar


@bp.get("/notify")
def notify() -> str:
    # Where users sign in, this is the user's id.
    address = session.setdefault("address", secrets.token_hex(4))
    datastar.signal("to", address)
    return render_template("cookbook/notify.html", address=address)


@datastar.stream(scope=lambda: session.get("address"))
def inbox():
    return datastar.follow()


@datastar.handler
def send(to: str, text: str = "") -> None:
    to, text = to.strip()[:20], text.strip()[:100]
    if to and text:
        datastar.broadcast_to(to).patch_template(
            "cookbook/notify.html", macro="notice", context={"text": text}, to="notices", mode="prepend"
        )
        datastar.signal("text", "")
