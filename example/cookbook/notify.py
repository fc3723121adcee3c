"""Notifications for one user: they appear in all windows of this user, and in no other."""

from flask import render_template

from example.cookbook.pages import bp
from example.cookbook.visitors import visitor_id
from example.extensions import datastar


@bp.get("/notify")
def notify() -> str:
    datastar.signal("to", visitor_id())
    return render_template("cookbook/notify.html", address=visitor_id())


@datastar.stream(scope=visitor_id)
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
