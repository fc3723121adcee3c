"""The import of a CSV file: a generator handler reads it row by row, and each ``yield`` shows the progress."""

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
    # Up to the first `yield` this works like a view: a missing file is a 400, and a file that is too large is a 413.
    # Bytes that are not UTF-8 are replaced, so that read_rows() can report the rows with such bytes.
    text = request.files["file"].read().decode("utf-8-sig", errors="replace")
    pause_seconds = current_app.config["IMPORT_PAUSE_SECONDS"]
    totals: defaultdict[str, Decimal] = defaultdict(Decimal)
    imported = rejected = 0
    ending = "cancelled"
    # Removes the outcome of an earlier import; a file may have no rows.
    show_counts(0, 0, 0)
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
            # Sends everything that was queued and set above. If the page was closed, the generator ends here.
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
