"""The pages of the corpus, for the browser and for the tab."""

from __future__ import annotations

from flask import Response
from markupsafe import Markup

from tests.live.apps.base import make_app, render_page
from tests.live.corpus import attributes, pages, requests
from tests.live.corpus.case import Case

CASES: dict[str, Case] = {case.name: case for case in [*attributes.CASES, *requests.CASES, *pages.CASES]}

app, datastar = make_app("corpus")


@app.get("/p/<name>")
def page(name: str) -> str:
    return render_page("{{ case }}", case=Markup(CASES[name].body.replace("A/", f"/a/{name}/")))


@app.route("/a/<name>/<key>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
def answer(name: str, key: str) -> Response:
    given = CASES[name].answers[key]
    return Response(
        given.body.replace("A/", f"/a/{name}/"), given.status, given.headers, content_type=given.content_type
    )


@app.get("/elsewhere")
def elsewhere() -> str:
    return render_page("<p id=else>Elsewhere</p>")
