"""A toast from a background job: it appears in all windows of whoever started the job."""

import time

from flask import render_template

from example.cookbook.background import run
from example.cookbook.pages import bp
from example.cookbook.visitors import visitor_id
from example.extensions import datastar


@bp.get("/job_toast")
def job_toast() -> str:
    # Before the stream, which can set no cookie.
    visitor_id()
    return render_template("cookbook/job_toast.html")


@datastar.stream
def toasts():
    return datastar.follow(f"toasts-{visitor_id()}")


@datastar.handler
def start() -> None:
    run(send_invoice, visitor_id())


def send_invoice(visitor: str) -> None:
    """The job. It needs no request, and may run in any process that has the app's modules."""
    time.sleep(0.2)
    with datastar.broadcast(f"toasts-{visitor}") as out:
        out.patch_template(
            "cookbook/toast.html", macro="message", context={"text": "The invoice is sent."}, to="toasts", mode="append"
        )
