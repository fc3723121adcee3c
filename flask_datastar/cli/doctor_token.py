"""The signed tokens by which the running app recognises ``flask datastar doctor``."""

from __future__ import annotations

import time
from typing import Any

from flask import Flask
from itsdangerous import BadData, SignatureExpired, URLSafeTimedSerializer

#: The header that carries a token.
TOKEN_HEADER = "Datastar-Doctor"
#: How long a token opens anything, in seconds. Clocks may differ by less than that.
LIFETIME_SECONDS = 60
_SALT = "flask-datastar-doctor"


def sign(app: Flask, asked: dict[str, Any]) -> str:
    """Sign what the doctor asks of the running app, so that nobody else can ask.

    :param app: an app with a ``SECRET_KEY``.
    """
    return _serializer(app, [app.secret_key]).dumps(asked)


def read_token(app: Flask, token: str) -> dict[str, Any]:
    """Return what a token asks for.

    :raises ValueError: if the token has expired, is from the future, or was signed with another key.
    """
    keys = [*(app.config.get("SECRET_KEY_FALLBACKS") or ()), app.secret_key]
    if not app.secret_key:
        raise ValueError("the running application has no SECRET_KEY; set one")
    try:
        asked, signed = _serializer(app, keys).loads(token, max_age=LIFETIME_SECONDS, return_timestamp=True)
    except SignatureExpired as error:
        raise ValueError(
            "the doctor's token is too old, or from the future; compare the clocks of the two machines"
        ) from error
    except BadData as error:
        raise ValueError(
            "the doctor's token was signed with another SECRET_KEY; run the command with the configuration of the "
            "running application"
        ) from error
    if not isinstance(asked, dict) or signed.timestamp() > time.time() + LIFETIME_SECONDS:
        raise ValueError("the doctor's token is from the future; compare the clocks of the two machines")
    return asked


def _serializer(app: Flask, keys: list[Any]) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(keys, salt=_SALT, signer_kwargs={"key_derivation": "hmac"})
