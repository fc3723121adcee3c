"""The error for a request of a page that the server refuses."""

from __future__ import annotations

from .answer import Answer


class RequestRefused(AssertionError):
    """A request of the page was refused: status 400 or 403, or no handler answers to its URL and method."""

    def __init__(self, message: str, answer: Answer) -> None:
        super().__init__(message)
        #: The answer with its status and text.
        self.answer = answer
