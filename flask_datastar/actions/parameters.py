"""Parameters of actions, checked against those of the handler."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Set
from difflib import get_close_matches

from ..errors import SetupError
from ..handlers.handler import EVERY_EVENT, Handler
from ..state.app import AppState
from ..views.url import ViewUrls


def check_parameters(app_state: AppState, handler: Handler, given: Iterable[str], in_path: Set[str]) -> None:
    """Check that a handler has the parameters that an action gives it; it would silently ignore any other.

    :param in_path: the parameters of the handler's own URL.
    :raises SetupError: if it lacks one; the message lists those that it has.
    """
    names = _names_of(app_state, handler)
    if names is not None and (unknown := [name for name in given if name not in names and name not in in_path]):
        parameters = "parameters" if len(unknown) > 1 else "parameter"
        raise SetupError(
            f"handler {handler} has no {parameters} {_listed(unknown)}; it takes {_known(unknown[0], names | in_path)}"
        )


def check_parameters_of_any(
    app_state: AppState, name: str, handlers: Iterable[Handler], given: Collection[str]
) -> None:
    """Check that some handler of a name has the parameters that an action gives, if the browser chooses among them.

    :raises SetupError: if no handler has one of them; the message lists those that they have.
    """
    known: set[str] = set()
    for handler in handlers:
        names = _names_of(app_state, handler)
        if names is None:
            return
        known |= names
    if unknown := [parameter for parameter in given if parameter not in known]:
        raise SetupError(
            f"no handler {name!r} has the parameter {_listed(unknown)}; they take {_known(unknown[0], known)}"
        )


def _names_of(app_state: AppState, handler: Handler) -> Set[str] | None:
    """Return the names of the parameters that an action can give, None for any."""
    names = handler.binder.names
    if names is None or handler.name == EVERY_EVENT:
        return None
    if handler.view is None:
        return names
    view_url = app_state.part(ViewUrls).get(handler.group)
    return names | view_url.names if view_url is not None else names


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))


def _known(unknown: str, known: Set[str]) -> str:
    text = ", ".join(sorted(known)) or "none"
    nearest = get_close_matches(unknown, known, 1)
    return f"{text}. Did you mean {nearest[0]!r}?" if nearest else text
