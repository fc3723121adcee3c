"""An upload with a progress bar. Only the browser knows how much it has sent, so it counts."""

from flask import render_template, request, session

from example.cookbook.pages import bp
from example.extensions import datastar


@bp.get("/upload")
def upload() -> str:
    return render_template("cookbook/upload.html", files=session.get("uploads", []))


@bp.post("/upload")
def receive() -> tuple[str, int]:
    datastar.check_origin()  # handlers do so by themselves, and this is a plain view
    file = request.files["file"]
    # Yours would keep the file: file.save(…)
    session["uploads"] = [*session.get("uploads", []), [str(file.filename)[:40], len(file.read())]][-5:]
    return "", 204


@datastar.handler(methods=["GET"])
def received() -> None:
    context = {"files": session.get("uploads", [])}
    datastar.patch_template("cookbook/upload.html", block="files", context=context)
