"""Identity of visitors, without a login."""

import secrets

from flask import session


def visitor_id() -> str:
    """Return the id that the session keeps. Where people sign in, it is ``current_user.get_id()``."""
    return str(session.setdefault("visitor", secrets.token_hex(8)))
