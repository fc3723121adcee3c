"""A bucket that keeps nothing: it stands in for S3 where `EXAMPLE_BUCKET_URL` names none."""

import hmac
import json
from base64 import b64decode
from datetime import UTC, datetime
from typing import Any

from flask import Response, current_app, request, url_for

from example.cookbook.pages import bp
from example.cookbook.presigned import sign


def bucket_url() -> str:
    return str(current_app.config["BUCKET_URL"] or url_for("cookbook.own_bucket"))


@bp.route("/own_bucket", methods=["POST", "OPTIONS"])
def own_bucket() -> Response:
    """Answer as a bucket that allows uploads from pages of any origin."""
    headers = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "POST"}
    is_allowed = request.method == "OPTIONS" or (is_signed(request.form) and keeps_policy())
    return Response(status=204 if is_allowed else 403, headers=headers)


def is_signed(form: Any) -> bool:
    config = current_app.config.get_namespace("BUCKET_")
    day = form.get("x-amz-date", "")[:8]
    expected = sign(form.get("policy", ""), day, region=config["region"], secret=config["secret"])
    return hmac.compare_digest(expected.encode(), form.get("x-amz-signature", "").encode())


def keeps_policy() -> bool:
    """Return whether the form is what the policy allows. The policy is the server's own, since it is signed."""
    policy = json.loads(b64decode(request.form["policy"]))
    given = {**request.form, "bucket": current_app.config["BUCKET_NAME"]}
    (_, least, most), *equal = policy["conditions"]
    return (
        policy["expiration"] > f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        and all(given.get(name) == value for condition in equal for name, value in condition.items())
        and "file" in request.files
        and least <= len(request.files["file"].read()) <= most
    )
