"""Requests by the hundred thousand: none may be answered with a 5xx, take a second, or write a field of its own.

usage: python -m tests.soak.fuzz_requests [--count N] [--seed N] [--only NUMBER]

They go to an application without CSRF tokens, to one that checks them, and to one to which all are too old. The exit
status is 1 when one failed; the line that says so names the command that sends it alone.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from flask import Flask

from tests.soak.fuzz_app import make_app
from tests.soak.fuzz_making import Sent, make_request
from tests.soak.fuzz_watch import Timer, Watch, chance_of, finish, numbers, read_options

Answer = tuple[int, list[tuple[str, str]], bytes]


def ask(app: Flask, sent: Sent) -> Answer:
    """Send a request as a server does, and return status, headers and the whole body."""
    answer: list[Any] = [0, []]
    written: list[bytes] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Callable[[bytes], Any]:
        answer[:] = [int(status.split()[0]), headers]
        return written.append

    body: Any = app(sent.environ(), start_response)
    try:
        written.extend(body)
    finally:
        if hasattr(body, "close"):
            body.close()
    return answer[0], answer[1], b"".join(written)


def signed_in(app: Flask) -> dict[str, str]:
    """Return the headers of a page with a session and its token."""
    _, headers, token = ask(app, Sent("GET", "/token"))
    cookie = next(value.partition(";")[0] for name, value in headers if name == "Set-Cookie")
    return {"Cookie": cookie, "X-CSRFToken": re.sub(r"\s", "", token.decode())}


def send(watch: Watch, app: Flask, number: int, sent: Sent) -> None:
    """Send a request, and check the response."""
    try:
        watch.check_response(number, *ask(app, sent), sent)
    except Exception as error:
        watch.fail("raised", number, f"{error!r} for {sent}")


def main() -> int:
    options = read_options(__doc__, 100_000)
    watch = Watch("fuzz_requests", options.seed)
    timer = Timer(watch)
    closed, stale = make_app("closed", has_csrf=True), make_app("stale", has_csrf=True, token_seconds=-1)
    sites = [(make_app("open", has_csrf=False), {}), (closed, signed_in(closed)), (stale, signed_in(stale))]
    for app, _ in sites:
        watch.note_errors(app)
    for number in numbers(options):
        chance = chance_of(options.seed, number)
        app, whole_headers = chance.choice(sites)
        sent = make_request(chance, whole_headers)
        timer.run(number, partial(send, watch, app, number, sent))
    return finish(watch)


if __name__ == "__main__":
    sys.exit(main())
