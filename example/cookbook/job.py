"""A job with progress: it commits how far it is, and a region shows that in all windows of its visitor."""

import time

from flask import render_template
from sqlalchemy.orm import Mapped, mapped_column

from example.cookbook.background import run
from example.cookbook.bounds import keep_newest
from example.cookbook.pages import bp
from example.cookbook.visitors import visitor_id
from example.extensions import datastar, db


class Report(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[str]
    percent: Mapped[int] = mapped_column(default=0)


@bp.get("/job")
def job() -> str:
    return render_template("cookbook/job.html", owner=visitor_id())


@datastar.region(tables={Report: "owner"})
def progress(owner: str) -> str:
    newest = db.select(Report).where(Report.owner == owner).order_by(Report.id.desc()).limit(1)
    return render_template("cookbook/_progress.html", report=db.session.scalar(newest))


@datastar.handler
def start() -> None:
    report = Report(owner=visitor_id())
    db.session.add(report)
    db.session.flush()
    keep_newest(Report, 1000)
    db.session.commit()
    run(make_report, report.id)


def make_report(number: int) -> None:
    """The job. It needs no request, and may run in any process that has the app's modules."""
    for percent in range(10, 101, 10):
        time.sleep(0.1)
        db.session.get_one(Report, number).percent = percent
        db.session.commit()
