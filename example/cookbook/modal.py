"""A dialog with a form, and a dialog that asks before something is deleted."""

from flask import render_template, session

from example.cookbook.pages import bp
from example.extensions import datastar

FILES = {"1": "Letter", "2": "Photo", "3": "Song"}


@bp.get("/modal")
def modal() -> str:
    # The key of the file whose dialog is open.
    datastar.signal("renaming", "")
    datastar.signal("deleting", "")
    return render_template("cookbook/modal.html", files=session.get("files", FILES))


@datastar.handler
def rename(renaming: str, name: str) -> None:
    files = session.get("files", FILES)
    name = name.strip()[:40]
    if not name:
        datastar.signal("problem", "A file needs a name.")  # and the dialog stays open
    elif renaming in files:
        save({**files, renaming: name})
        datastar.signal("renaming", "")


@datastar.handler
def delete(deleting: str) -> None:
    save({key: name for key, name in session.get("files", FILES).items() if key != deleting})
    datastar.signal("deleting", "")


@datastar.handler
def restore() -> None:
    save(FILES)


def save(files: dict[str, str]) -> None:
    session["files"] = files
    datastar.patch_template("cookbook/modal.html", block="files", context={"files": files})
