"""The pages of the cookbook: a list of the recipes, and the files that each of them shows beside itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Blueprint, current_app, render_template, request

bp = Blueprint("cookbook", __name__, url_prefix="/cookbook")


@dataclass(frozen=True)
class Recipe:
    title: str
    about: str
    # Files beside `<name>.py` and `<name>.html`: modules of this folder and templates.
    more: tuple[str, ...] = ()


RECIPES: dict[str, Recipe] = {
    "toast": Recipe("Toast", "A short message appears in a corner and leaves by itself."),
    "modal": Recipe("Dialog and confirm", "A form in a dialog, and a question before something is deleted."),
    "undo": Recipe("Undo", "An entry is removed without a question, and one click brings it back."),
    "notify": Recipe("Notifications for one user", "A message appears in all windows of one user.", ("visitors.py",)),
    "job_toast": Recipe(
        "Toast from a background job",
        "A job that is done says so in all windows of whoever started it.",
        ("toast.html", "background.py", "visitors.py"),
    ),
    "inline_edit": Recipe("Inline edit", "A text of a live list becomes a field where it stands.", ("_tasks.html",)),
    "drag": Recipe("Drag and drop", "A shared list is sorted with the mouse or with keys.", ("_menu.html",)),
    "scroll": Recipe("Infinite scroll", "The next rows are there when the end of the list comes into view."),
    "pagination": Recipe("Pagination", "Links turn the page of a list, and are in the URL."),
    "history": Recipe("Back and Forward", "What was chosen is in the URL, so a bookmark, Back and Forward show it."),
    "typeahead": Recipe("Type-ahead", "Suggestions appear below a field, and are picked with the mouse or with keys."),
    "selects": Recipe("Dependent selects", "The choices of one field depend on another one."),
    "wizard": Recipe("Wizard", "A form in steps, which the server checks and a reload does not lose."),
    "upload": Recipe("Upload with progress", "The browser counts what it has sent."),
    "bucket": Recipe(
        "Upload to a bucket",
        "The server signs what is allowed, and the browser sends the file to S3 itself.",
        ("presigned.py", "own_bucket.py"),
    ),
    "optimistic": Recipe(
        "Optimistic update", "The page shows the result at once, and the server confirms or corrects it."
    ),
    "theme": Recipe("Dark mode", "A choice that is kept, and that the next page knows before it is drawn."),
    "chart": Recipe(
        "Chart",
        "An SVG image that the server renders, and that follows the database.",
        ("_votes.html", "visitors.py", "bounds.py"),
    ),
    "chat": Recipe("Chat", "What one visitor writes, all others see.", ("_messages.html", "bounds.py")),
    "log": Recipe(
        "Live log", "Each line appears on all pages, and the last ones are there from the start.", ("bounds.py",)
    ),
    "job": Recipe(
        "Job with progress",
        "A job in RQ, or in a thread, shows how far it is.",
        ("_progress.html", "background.py", "visitors.py", "bounds.py"),
    ),
    "tokens": Recipe(
        "Token stream",
        "An answer grows as a model writes it, and is still there after a reload.",
        ("background.py", "visitors.py", "bounds.py"),
    ),
}


@bp.get("/")
def index() -> str:
    return render_template("cookbook/index.html", recipes=RECIPES)


def files_of(name: str) -> list[str]:
    return [f"{name}.py", f"{name}.html", *RECIPES[name].more]


def read_files(name: str) -> Iterator[tuple[str, str]]:
    """Yield the files of a recipe, as they run: path and text."""
    for file in files_of(name):
        if file.endswith(".py"):
            yield f"example/cookbook/{file}", Path(__file__).with_name(file).read_text(encoding="utf-8")
        else:
            text, _, _ = current_app.jinja_loader.get_source(current_app.jinja_env, f"cookbook/{file}")  # type: ignore[union-attr]
            yield f"example/templates/cookbook/{file}", text


@bp.context_processor
def describe() -> dict[str, Any]:
    """Return what the layout of the recipes shows."""
    name = (request.endpoint or "").removeprefix("cookbook.")
    return {"recipe": RECIPES.get(name), "read_files": lambda: read_files(name)}
