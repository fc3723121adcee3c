"""The nonce of a page, for a content security policy without ``unsafe-eval``."""

from __future__ import annotations

import re

from markupsafe import Markup

from ..errors import SetupError
from ..state.request import RequestState

# The grammar of the policy, without the empty nonce: the client refuses to start with an empty one.
_NONCE = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")


def nonce_attribute(state: RequestState | None, name: str) -> Markup:
    """Return an attribute with the nonce of the current page.

    :param state: the state of the page's request; None outside of a request.
    :param name: the attribute's name.
    :return: the attribute, or empty Markup if ``DATASTAR_CSP_NONCE`` is not set.
    :raises SetupError: if the application's callable returned a value that is not a nonce.
    """
    make_nonce = state.app_state.settings.csp_nonce if state is not None else None
    if make_nonce is None:
        return Markup()
    nonce = make_nonce()
    if not isinstance(nonce, str) or not _NONCE.fullmatch(nonce):
        raise SetupError(
            f"DATASTAR_CSP_NONCE returned {nonce!r}; accepted: the request's nonce, one or more of A-Z a-z 0-9 + / _ "
            "-, for example from secrets.token_urlsafe(16)"
        )
    return Markup('{}="{}"').format(name, nonce)
