"""The errors of the package. Each message names the value, the accepted values, and the remedy."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from werkzeug.exceptions import BadRequest


class DatastarError(Exception):
    """The base class of all errors of this package."""


class ConfigError(DatastarError, ValueError):
    """A ``DATASTAR_*`` key has a value that is not accepted. Raised by ``init_app``."""


class SetupError(DatastarError, RuntimeError):
    """The extension is used in a way that cannot work, such as without ``init_app`` or with duplicate handlers."""


class BrokerError(DatastarError, RuntimeError):
    """The broker does not respond, so other processes may have missed a message. This process has received it."""


class InvalidSignals(DatastarError, BadRequest):
    """The signals or parameters of a request cannot be used; the response has status 400.

    :param description: the reason, for the response.
    :param errors: signal path or parameter → message, for each value that does not fit.
    :param paths: the paths of all requested values, including those that fit.
    """

    def __init__(self, description: str, errors: Mapping[str, str] | None = None, paths: Collection[str] = ()) -> None:
        BadRequest.__init__(self, description)
        #: Signal path or parameter → message; empty if the request as a whole cannot be used.
        self.errors: dict[str, str] = dict(errors or {})
        #: The paths of all requested values, including those that fit.
        self.paths: tuple[str, ...] = tuple(paths)
