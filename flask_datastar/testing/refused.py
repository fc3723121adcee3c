"""The error for a request of a page that the server refuses."""

from __future__ import annotations

from .answer import Answer


class RequestRefused(AssertionError):
    """A request of the page was refused or failed.

    The status is 400, 403, or 500 and above and the client does not repeat the request by itself; no handler answers to
    its URL and method; or its handler raised an exception, which is then the ``__cause__``.
    """

    def __init__(self, message: str, answer: Answer) -> None:
        super().__init__(message)
        #: The answer with its status and text.
        self.answer = answer
