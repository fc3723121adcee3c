"""A click that a request runs: its row in the database, and the way of its answer to the repeats."""

from __future__ import annotations

from typing import Any

from flask import Response

from ..errors import DatastarError
from .answers import Answer, take_answer
from .app import Repeats
from .claims import SharedClaims
from .clicks import Click, Stage
from .senders import given_session, row_owner
from .table import WRITTEN, HasRun


class Claim:
    """A click that the current request runs."""

    __slots__ = ("click", "has_failed", "key", "repeats", "response", "row", "shared")

    def __init__(self, repeats: Repeats, click: Click) -> None:
        self.click = click
        #: The response, as soon as it is known; its cookies come later.
        self.response: Response | None = None
        self.has_failed = False
        self.repeats = repeats
        #: The clicks of other processes, and the click's key there.
        self.shared: SharedClaims | None = repeats.shared.get()
        self.key = ""
        #: The row that is still to be written.
        self.row = repeats.digest(f"{self.name}\0{row_owner(click.owner)}") if repeats.table is not None else ""

    def __del__(self) -> None:
        # Where a teardown function of the app raised, ours was not called.
        if self.click.stage is Stage.RUNNING:
            self.settle()

    @property
    def name(self) -> str:
        """The click's name, for what leaves the process."""
        return "\0".join(self.click.name)

    def write_row(self, session: Any) -> None:
        """Write the click's row into the session's transaction, if no earlier one has it."""
        table = self.repeats.table
        if table is None or not self.row or WRITTEN in session.info or not table.is_of(session):
            return
        try:
            table.insert(session, self.row)
        except HasRun:
            if self.click.stage is Stage.RUNNING:
                raise
            # A generator handler has sent its first part: this is an error as any other one.
            raise DatastarError("the click ran earlier, so what it does again is rolled back") from None
        session.info[WRITTEN] = self

    def note_committed(self) -> None:
        """Record that the row is in the database."""
        self.row = ""

    def settle(self) -> None:
        """Keep the answer, or forget the click if it failed."""
        response = self.response
        if self.has_failed or response is None or response.status_code >= 400:
            self.fail()
            return
        self.finish(take_answer(response), given_session(self.repeats, response))

    def finish(self, answer: Answer | None, given: str | None) -> None:
        """Record that the click ran."""
        was_running = self.click.stage is Stage.RUNNING
        size = answer.size if answer is not None else 0
        has_room = self.repeats.store.get().finish(self.click, answer, size, given)
        if self.shared is not None and was_running:
            # No more than has room here, so that nobody fills the broker with answers.
            data = answer.encode() if answer is not None and has_room else None
            self.shared.finish(self.key, self.click.owner, given, data)

    def fail(self) -> None:
        """Record that the click failed: one of its repeats runs."""
        if self.shared is not None and self.click.stage is Stage.RUNNING:
            self.shared.fail(self.key)
        self.repeats.store.get().fail(self.click)
