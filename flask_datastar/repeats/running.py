"""The way of a click through a request: claimed before it runs, kept when its answer is final."""

from __future__ import annotations

import re
import time
from contextlib import suppress

from flask import Request, Response
from werkzeug.exceptions import HTTPException

from ..reading.signals import REQUEST_HEADER_KEY, is_datastar_request
from ..sansio.consts import CLICK_KEY
from ..security.origin import SAFE_METHODS
from ..state.request import RequestState
from .answers import Answer, decode_answer, size_of
from .app import Repeats
from .claim import Claim
from .claims import SharedClaims, Verdict
from .clicks import Click, Stage
from .senders import owner_of

#: How long a repeat waits for its click to end, in seconds.
WAIT_SECONDS = 30.0
#: The text that the query string of a click contains.
KEY_START = f"{CLICK_KEY}=".encode()
_KEY = re.compile(rf"(?:^|&){CLICK_KEY}=([A-Za-z0-9._-]{{1,64}})(?=&|$)")
_PIECE_BYTES = 64 * 1024
_OF_QUERY = ("args", "values", "full_path", "url")


def take_key(state: RequestState, current: Request) -> None:
    """Take the click's key out of a request's URL, so that neither handlers nor the app's own code see it."""
    environ = current.environ
    # As the client writes it, first.
    if environ.get(REQUEST_HEADER_KEY) != "true" and not is_datastar_request(current):
        return
    query = environ["QUERY_STRING"]
    found = _KEY.search(query)
    if found is None or current.method in SAFE_METHODS:
        return
    state.click_key = found[1]
    # Most often there is nothing but the key.
    rest = "" if found[0] == query else _without(query, *found.span())
    environ["QUERY_STRING"] = rest
    cached = current.__dict__
    cached["query_string"] = rest.encode("latin-1")
    if "args" in cached or "url" in cached or "full_path" in cached:
        # Read by a URL value preprocessor already.
        for name in _OF_QUERY:
            cached.pop(name, None)


def _without(query: str, start: int, end: int) -> str:
    return (query[:start] + query[end:]).removeprefix("&")


def claim(state: RequestState, current: Request, handler: str) -> Response | None:
    """Claim the request's click for this request, or answer it as a repeat.

    :param handler: what it calls.
    :return: the response of a repeat; None if the click is to be run.
    """
    repeats = state.app_state.parts[Repeats]
    key = state.click_key
    if not repeats.is_on or key is None or state.claim is not None:
        return None
    store, shared = repeats.own.value or repeats.own.get()
    owned = Claim(repeats, store, shared, f"{handler}\0{key}", owner_of(repeats, state, current))
    found = store.add(owned)
    if found is not owned or shared is not None:
        repeat = _answer_repeat(state, owned, found)
        if repeat is not None:
            _read_rest(current)
            return repeat
    repeats.runs += 1
    state.claim = owned
    return None


def _read_rest(current: Request) -> None:
    """Read what is left of a repeat's body, such as an upload.

    A server that closes a connection with unread bytes resets it, and a proxy in front responds with a 502 then.
    """
    # Whatever is wrong with the body, the click has run.
    with suppress(HTTPException, OSError):
        while current.stream.read(_PIECE_BYTES):
            pass


def _answer_repeat(state: RequestState, owned: Claim, found: Click) -> Response | None:
    """Answer a click that this process or another one knows.

    :param found: what this process knows: the click itself if it is new here.
    :return: the response; None if the click is to be run after all.
    """
    repeats, store = owned.repeats, owned.store
    deadline = time.monotonic() + WAIT_SECONDS
    while found is not owned:
        stage = store.wait(found, deadline - time.monotonic())
        if stage is not Stage.FAILED:
            return repeats.answer(Verdict(stage), found.answer)
        found = store.add(owned)
    if owned.shared is None:
        return None
    try:
        verdict = _ask_others(owned, owned.shared, deadline)
    except BaseException:
        store.fail(owned)
        raise
    return None if verdict.stage is Stage.FAILED else repeats.answer(verdict, owned.answer)


def _ask_others(owned: Claim, shared: SharedClaims, deadline: float) -> Verdict:
    """Ask what other processes know of a click, and keep it for the repeats that come here."""
    store, table = owned.store, owned.repeats.table
    owned.ticket, verdict = shared.claim(str(owned.name), owned.owner, deadline, takes_lost=table is not None)
    if verdict.stage is Stage.RUNNING:
        store.fail(owned)
    elif verdict.stage is not Stage.FAILED:
        answer = _read_answer(verdict.answer)
        store.finish(owned, answer, size_of(answer) if answer is not None else 0)
    elif verdict.is_lost and table is not None and table.has_row(owned.row):
        owned.finish()
        return Verdict(Stage.RAN)
    return verdict


def _read_answer(data: bytes | None) -> Answer | None:
    try:
        return decode_answer(data) if data is not None else None
    except (TypeError, ValueError):
        # Of another version of this package.
        return None


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
    state.reset()
    state.claim = None
    return owned.answer_has_run()
