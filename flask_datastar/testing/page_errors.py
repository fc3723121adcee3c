"""The errors of a tab's page: what a test has asked for that is not there, and what the page does wrong."""

from __future__ import annotations


class ClientFileMissing(Exception):
    """The page names a client whose file is not on this machine; a test never fetches it."""


class NotInTab(Exception):
    """The page uses what only a real browser has: layout, style sheets, or a part of the DOM that is not built."""


class PageError(Exception):
    """The page's own error: an expression, a script or the client has failed, where a browser writes to its console."""


class ElementError(AssertionError):
    """The page does not have the element as the test describes it: none, several, or one that nobody can reach."""


class FormNotSent(ElementError):
    """A gesture would send a form that a browser does not send: a field is empty or wrong, or its button is disabled.

    At a wrong field a person sees the browser's message. The first one has the focus, and nothing was sent.
    """

    def __init__(self, message: str, fields: dict[str, str] | None = None) -> None:
        super().__init__(message)
        #: The flaws, by the names of the fields, as ``ValidityState`` names them: ``"valueMissing"``.
        self.fields = fields or {}


class DuplicateId(AssertionError):
    """Two elements of the page have the same id, so patches reach only one of them."""


def missing_package(name: str) -> ImportError:
    """Return the error for a page without the packages of the extra ``testing``."""
    return ImportError(f"a tab with a page needs {name}: pip install 'Flask-Datastar[testing]'")
