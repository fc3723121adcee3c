"""Pagination: links that work without the client, and turn the page without loading it with it."""

from flask import render_template, request, url_for

from example.cookbook.pages import bp
from example.extensions import datastar
from example.search import CITIES

ROWS = 25
PAGES = -(-len(CITIES) // ROWS)


@bp.get("/pagination")
def pagination() -> str:
    return render_template("cookbook/pagination.html", **rows_of(request.args.get("page", 1, int)))


@datastar.handler(methods=["GET"])
def turn(page: int) -> None:
    datastar.patch_template("cookbook/pagination.html", block="rows", context=rows_of(page))
    datastar.push_url(url_for("cookbook.pagination", page=page))


def rows_of(page: int) -> dict[str, object]:
    page = min(max(page, 1), PAGES)
    return {"cities": CITIES[(page - 1) * ROWS : page * ROWS], "page": page, "pages": PAGES}
