"""Forms that upload straight to a bucket: POST policies of S3, signed with version 4.

``generate_presigned_post(bucket, key, Conditions=[…])`` of a boto3 client with ``signature_version="s3v4"`` returns the
same fields.
"""

import hmac
import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta


def presign_post(
    key: str, *, bucket: str, region: str, key_id: str, secret: str, most_bytes: int, seconds: int = 300
) -> dict[str, str]:
    """Return the fields that the form needs beside the file."""
    now = datetime.now(UTC)
    day = f"{now:%Y%m%d}"
    fields = {
        "key": key,
        "x-amz-algorithm": "AWS4-HMAC-SHA256",
        "x-amz-credential": f"{key_id}/{day}/{region}/s3/aws4_request",
        "x-amz-date": f"{now:%Y%m%dT%H%M%SZ}",
    }
    allowed = {
        "expiration": f"{now + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}",
        "conditions": [
            ["content-length-range", 1, most_bytes],
            {"bucket": bucket},
            *({name: value} for name, value in fields.items()),
        ],
    }
    policy = b64encode(json.dumps(allowed).encode()).decode()
    return {**fields, "policy": policy, "x-amz-signature": sign(policy, day, region=region, secret=secret)}


def sign(policy: str, day: str, *, region: str, secret: str) -> str:
    key = f"AWS4{secret}".encode()
    for part in (day, region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, policy.encode(), "sha256").hex()
