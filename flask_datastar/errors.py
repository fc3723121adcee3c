"""The errors of the package. Each text says what was given, what is accepted, and what to do."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from werkzeug.exceptions import BadRequest


class DatastarError(Exception):
    """The root of all errors of this package."""


class ConfigError(DatastarError, ValueError):
    """A ``DATASTAR_*`` key has a value that is not accepted. Raised by ``init_app``."""


class SetupError(DatastarError, RuntimeError):
    """The extension is used in a way that cannot work: no ``init_app``, no request, a handler declared twice."""


class BrokerError(DatastarError, RuntimeError):
    """The broker does not answer: other processes may not have got what was published. This one has."""


class InvalidSignals(DatastarError, BadRequest):
    """What the browser sent cannot be used; answered with status 400.

    :param description: what was wrong, for the response.
    :param errors: signal path or parameter → message, where single values were at fault.
    :param paths: of all values that were asked for, those that fit, too.
    """

    def __init__(self, description: str, errors: Mapping[str, str] | None = None, paths: Collection[str] = ()) -> None:
        BadRequest.__init__(self, description)
        #: Signal path or parameter → message; empty when the request as a whole was at fault.
        self.errors: dict[str, str] = dict(errors or {})
        #: The paths of all values that were asked for.
        self.paths: tuple[str, ...] = tuple(paths)
