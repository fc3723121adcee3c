"""Import a CSV file: a generator handler reads it row by row, and each ``yield`` shows how far it has come."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

from flask import Blueprint, current_app, render_template, request
from markupsafe import Markup

from example.expenses import COLUMNS, read_rows
from example.extensions import datastar

bp = Blueprint("csv_import", __name__)


@bp.get("/import")
def page() -> str:
    show_counts(0, 0, 0)
    return render_template("import.html", columns=COLUMNS)


@datastar.handler(group="import")
def load() -> Iterator[None]:
    # Up to the first `yield` this is like a view: a missing file is answered with 400, one that is too large with 413.
    # Bytes that are not UTF-8 are replaced, so that read_rows() can name the rows that have them.
    text = request.files["file"].read().decode("utf-8-sig", errors="replace")
    pause_seconds = current_app.config["IMPORT_PAUSE_SECONDS"]
    totals: defaultdict[str, Decimal] = defaultdict(Decimal)
    imported = rejected = 0
    ending = "cancelled"
    # An earlier outcome goes away.
    datastar.patch_template("import.html", block="outcome")
    try:
        for row in read_rows(text):
            if row.expense:
                imported += 1
                totals[row.expense.shop] += row.expense.amount
            else:
                rejected += 1
                problem = Markup("<li>Line {}: {}</li>").format(row.line, row.problem)
                datastar.patch_elements(problem, to="problems", mode="append")
            show_counts(row.done_percent, imported, rejected)
            # Sends what was queued and set above. If the page has been left, the generator ends here.
            yield
            time.sleep(pause_seconds)
        datastar.signal("progress", 100)
        datastar.assign("totals", sorted(totals.items()))
        datastar.assign("grand_total", sum(totals.values()))
        datastar.patch_template("import.html", block="totals")
        ending = "finished"
    finally:
        current_app.logger.info("Import %s: %d rows imported, %d rejected", ending, imported, rejected)


def show_counts(progress: int, imported: int, rejected: int) -> None:
    datastar.signal("progress", progress)
    datastar.signal("imported", imported)
    datastar.signal("rejected", rejected)
