"""A click that a request runs: its row in the database, and the way of its answer to the repeats."""

from __future__ import annotations

from typing import Any

from flask import Response

from ..errors import DatastarError
from .answers import Answer, encode_answer, take_answer, unfinished
from .app import Repeats
from .claims import SharedClaims, Verdict
from .clicks import MARK_BYTES, Click, Stage
from .owners import Owner
from .senders import given_session, row_owner
from .store import ClickStore
from .table import WRITTEN, HasRun

_RUNNING = Stage.RUNNING


class Claim(Click):
    """A click that the current request runs, and that the store remembers after it."""

    __slots__ = ("has_failed", "repeats", "response", "row", "shared", "store", "ticket")

    def __init__(
        self, repeats: Repeats, store: ClickStore, shared: SharedClaims | None, name: str, owner: Owner
    ) -> None:
        # All of it here: a call of the base class costs each click a part of its budget.
        self.name, self.owner, self.given, self.other = name, owner, None, None
        self.stage, self.answer, self.size, self.ended_at = _RUNNING, None, MARK_BYTES, 0.0
        self.waiting, self.is_loose = (), False
        #: The response, as soon as it is known; its cookies come later.
        self.response: Response | None = None
        self.has_failed = False
        self.repeats = repeats
        self.store = store
        #: The clicks of other processes, and what names the click there.
        self.shared = shared
        self.ticket: Any = None
        #: The row that is still to be written.
        self.row = "" if repeats.table is None else repeats.digest(f"{name}\0{row_owner(owner)}")

    def write_row(self, session: Any) -> None:
        """Write the click's row into the session's transaction, if no earlier one has it."""
        table = self.repeats.table
        if table is None or not self.row or WRITTEN in session.info or not table.is_of(session):
            return
        try:
            table.insert(session, self.row)
        except HasRun:
            if self.stage is _RUNNING:
                raise
            # A generator handler has sent its first part: this is an error as any other one.
            raise DatastarError("the click ran earlier, so what it does again is rolled back") from None
        session.info[WRITTEN] = self

    def note_committed(self) -> None:
        """Record that the row is in the database."""
        self.row = ""

    def note_streamed(self) -> None:
        """Record that the response is not a list: its repeats must neither wait for its end nor get a part of it."""
        response = self.response
        if response is not None and not response.is_sequence and not self.has_failed and response.status_code < 400:
            self.finish()

    def answer_has_run(self) -> Response:
        """Return the response of the current request, whose click turned out to have run: the database has its row."""
        assert self.repeats.table is not None
        self.repeats.table.rollback()
        self.finish()
        return self.repeats.answer(Verdict(Stage.RAN), None)

    def leave(self, error: BaseException | None) -> Response | None:
        """Do what needs the request's context, as that ends.

        :param error: the exception that ended the request.
        :return: the response of a repeat, if a commit outside of the handler has met the click's row.
        """
        if isinstance(error, HasRun):
            return self.answer_has_run()
        repeats = self.repeats
        if repeats.table is not None and not self.row:
            repeats.table.clean(repeats.app_state.app)
        return None

    def end(self, error: BaseException | None, *, is_torn_down: bool = True) -> None:
        """Keep the answer, or forget the click if it failed: the response is final.

        :param error: the exception that ended the request.
        :param is_torn_down: False if a teardown function has raised one.
        """
        response, self.response = self.response, None
        if error is not None or self.has_failed or response is None or response._status_code >= 400:
            self.fail()
        elif not is_torn_down:
            self._end_in_doubt()
        elif self.stage is _RUNNING:
            answer, size, has_cookie = take_answer(response)
            given = given_session(self.repeats, response) if has_cookie else None
            if self.shared is None:
                self.store.finish(self, answer, size, given)
            else:
                self.finish(answer, size, given)

    def _end_in_doubt(self) -> None:
        """End a click whose handler ran, and whose teardown failed: perhaps it was to commit."""
        if self.repeats.table is None:
            response = unfinished(self.repeats.app_state.app.response_class, is_known=False)
            answer, size, _ = take_answer(response)
            self.finish(answer, size)
        elif self.row:
            self.fail()
        else:
            self.finish()

    def finish(self, answer: Answer | None = None, size: int = 0, given: str | None = None) -> None:
        """Record that the click ran."""
        if self.stage is not _RUNNING:
            return
        has_room = self.store.finish(self, answer, size, given)
        if self.shared is not None:
            # No more than has room here, so that nobody fills the broker with answers.
            data = encode_answer(answer) if answer is not None and has_room else None
            self.shared.finish(self.ticket, given, data)

    def fail(self) -> None:
        """Record that the click failed: one of its repeats runs."""
        if self.shared is not None and self.stage is _RUNNING:
            self.shared.fail(self.ticket)
        self.store.fail(self)
