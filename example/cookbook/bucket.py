"""An upload straight to a bucket, such as S3: the server signs what is allowed, and never sees the file."""

import secrets

from flask import current_app, render_template, session

from example.cookbook.own_bucket import bucket_url
from example.cookbook.pages import bp
from example.cookbook.presigned import presign_post
from example.extensions import datastar

MOST_BYTES = 1024 * 1024


@bp.get("/bucket")
def bucket() -> str:
    return render_template("cookbook/bucket.html", most_bytes=MOST_BYTES)


@datastar.handler
def allow() -> None:
    # The server chooses the key, so that nobody can overwrite what others have uploaded.
    session["key"] = f"uploads/{secrets.token_hex(8)}"
    config = current_app.config.get_namespace("BUCKET_")
    fields = presign_post(
        session["key"],
        bucket=config["name"],
        region=config["region"],
        key_id=config["key_id"],
        secret=config["secret"],
        most_bytes=MOST_BYTES,
    )
    context = {"url": bucket_url(), "fields": fields}
    datastar.patch_template("cookbook/bucket.html", block="sending", context=context)


@datastar.handler
def uploaded() -> None:
    # Yours would ask the bucket (HEAD) before it believes the browser, and store the key.
    if key := session.pop("key", None):
        datastar.signal("message", f"The bucket has {key}.")
