"""The nonce of a page, for a content security policy without ``unsafe-eval``."""

from __future__ import annotations

import re

from markupsafe import Markup

from ..errors import SetupError
from ..state.request import RequestState

# What the policy's grammar takes, and at least one: the client refuses to start with an empty one.
_NONCE = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")


def nonce_attribute(state: RequestState | None, name: str) -> Markup:
    """Write an attribute with the nonce of the page that is being rendered; nothing when it has none.

    :param state: of the page's request; None for what is no page.
    :raises SetupError: the application's callable gave something that no policy can have.
    """
    make_nonce = state.app_state.settings.csp_nonce if state is not None else None
    if make_nonce is None:
        return Markup()
    nonce = make_nonce()
    if not isinstance(nonce, str) or not _NONCE.fullmatch(nonce):
        raise SetupError(
            f"DATASTAR_CSP_NONCE gave {nonce!r}; accepted: the request's nonce, one or more of A-Z a-z 0-9 + / _ -, "
            "for example from secrets.token_urlsafe(16)"
        )
    return Markup('{}="{}"').format(name, nonce)
