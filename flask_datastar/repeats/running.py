"""The way of a click through a request: claimed before it runs, kept when its answer is final."""

from __future__ import annotations

import re
import time

from flask import Request, Response
from flask.globals import request_ctx

from ..hooks import repeat_answered
from ..reading.signals import is_datastar_request
from ..sansio.consts import CLICK_KEY
from ..security.origin import SAFE_METHODS
from ..state.request import RequestState
from .answers import Answer, decode_answer, ignored, replay, unfinished
from .app import Repeats
from .claim import Claim
from .claims import Verdict
from .clicks import Click, Stage
from .senders import owner_of

#: How long a repeat waits for its click to end, in seconds.
WAIT_SECONDS = 30.0
_KEY = re.compile(rf"(?:^|&){CLICK_KEY}=([A-Za-z0-9._-]{{1,64}})(?=&|$)")
_OF_QUERY = ("args", "values", "full_path", "url")


def take_key(state: RequestState, current: Request) -> None:
    """Take the click's key out of a request's URL, so that neither handlers nor the app's own code see it."""
    if current.method in SAFE_METHODS or not is_datastar_request(current):
        return
    query = current.environ["QUERY_STRING"]
    found = _KEY.search(query)
    if found is None:
        return
    state.click_key = found[1]
    query = (query[: found.start()] + query[found.end() :]).removeprefix("&")
    current.environ["QUERY_STRING"] = query
    current.query_string = query.encode("latin-1")
    # Read by a URL value preprocessor already.
    for name in _OF_QUERY:
        current.__dict__.pop(name, None)


def claim(state: RequestState, current: Request, handler: str) -> Response | None:
    """Claim the request's click for this request, or answer it as a repeat.

    :param handler: what it calls.
    :return: the response of a repeat; None if the click is to be run.
    """
    repeats = state.app_state.part(Repeats)
    if not repeats.is_on or state.click_key is None or state.claim is not None:
        return None
    store, owner = repeats.store.get(), owner_of(repeats, state, current)
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        click, is_new = store.claim((handler, state.click_key), owner)
        if is_new:
            return _run_or_answer(repeats, state, click, deadline)
        stage = store.wait(click, deadline - time.monotonic())
        if stage is not Stage.FAILED:
            return _answer(repeats, state, Verdict(stage), click.answer)


def _run_or_answer(repeats: Repeats, state: RequestState, click: Click, deadline: float) -> Response | None:
    """Run a click that is new in this process, unless another process knows it."""
    owned = Claim(repeats, click)
    if owned.shared is not None:
        try:
            verdict = _ask_others(owned, deadline)
        except BaseException:
            repeats.store.get().fail(click)
            raise
        if verdict.stage is not Stage.FAILED:
            return _answer(repeats, state, verdict, click.answer)
    repeats.counts["runs"] += 1
    state.claim = owned
    return None


def _ask_others(owned: Claim, deadline: float) -> Verdict:
    """Ask what other processes know of a click, and keep it for the repeats that come here."""
    shared, store, table = owned.shared, owned.repeats.store.get(), owned.repeats.table
    assert shared is not None
    owned.key, verdict = shared.claim(owned.name, owned.click.owner, deadline, takes_lost=table is not None)
    if verdict.stage is Stage.RUNNING:
        store.fail(owned.click)
    elif verdict.stage is not Stage.FAILED:
        answer = decode_answer(verdict.answer) if verdict.answer is not None else None
        store.finish(owned.click, answer, answer.size if answer is not None else 0)
    elif verdict.is_lost and table is not None and table.has_row(owned.row):
        owned.finish(None, None)
        return Verdict(Stage.RAN)
    return verdict


def _answer(repeats: Repeats, state: RequestState, verdict: Verdict, answer: Answer | None) -> Response:
    app = repeats.app_state.app
    if verdict.stage is Stage.RUNNING:
        repeats.counts["unfinished"] += 1
        return unfinished(app.response_class, is_known=not verdict.is_lost)
    is_answered = answer is not None
    repeats.counts["answered" if is_answered else "ignored"] += 1
    response = replay(answer, app.response_class) if answer is not None else ignored(app.response_class)
    if repeat_answered.receivers:
        repeat_answered.send(app, endpoint=request_ctx.request.endpoint, ignored=not is_answered, response=response)
    return response


def fail(state: RequestState, error: BaseException) -> Response | None:
    """Record that what the request runs has failed.

    :return: the response of a repeat, if it failed because the click ran earlier and the database knows it.
    """
    owned: Claim = state.claim
    owned.has_failed = True
    table = owned.repeats.table
    if table is None or not owned.row or not isinstance(error, Exception) or not table.has_row(owned.row):
        return None
    return answer_has_run(state)


def answer_has_run(state: RequestState) -> Response:
    """Answer a request whose click turned out to have run: the database has its row."""
    owned: Claim = state.claim
    repeats = owned.repeats
    assert repeats.table is not None
    repeats.table.rollback()
    state.reset()
    state.claim = None
    owned.finish(None, None)
    return _answer(repeats, state, Verdict(Stage.RAN), None)


def note_response(state: RequestState, response: Response) -> None:
    """Record the response of the request's click, before its session is saved."""
    owned: Claim = state.claim
    owned.response = response
    if not response.is_sequence and not owned.has_failed and response.status_code < 400:
        # It is sent as it is made: its repeats must neither wait for its end nor get a part of it.
        owned.finish(None, None)


def settle(state: RequestState, error: BaseException | None) -> None:
    """Keep or forget the request's click, as its context ends: its response is final by then."""
    owned: Claim = state.claim
    state.claim = None
    if error is not None:
        owned.fail()
        return
    owned.settle()
    table = owned.repeats.table
    if table is not None and not owned.row:
        table.clean(state.app_state.app)
