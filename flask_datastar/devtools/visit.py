"""One request as the timeline sees it: from outside of the app, all that comes in and goes out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from flask import Request, g, has_app_context

from ..reading.signals import REQUEST_HEADER_KEY
from ..sansio.consts import CARRIED_TOKEN
from ..sansio.parser import EventParser
from ..state.request import request_state_of
from .facts import answer_facts, error_facts, event_facts, head_facts, query_facts, refusal_text
from .open_streams import OpenStream, StreamBody
from .records import Records
from .timeline import Timeline

#: The key of a request's visit in its environ.
VISIT = "flask_datastar.visit"
#: The most bytes of a body without events that are kept for the reader.
_MOST_TEXT_BYTES = 8_192
_QUERIES = "_sqlalchemy_queries"

StartResponse = Callable[..., Callable[[bytes], object]]
Wsgi = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


class Visit:
    """One request of a browser, and the items about it."""

    def __init__(self, timeline: Timeline, records: Records, kind: str, environ: dict[str, Any]) -> None:
        self._timeline = timeline
        self._records = records
        self._started_at = time.monotonic()
        self.id = timeline.next_id()
        #: "action", "stream" or "page".
        self._kind = kind
        self._head = head_facts(environ, kind)
        self._query = environ.get("QUERY_STRING", "")
        self._parser: EventParser | None = None
        self._text: bytearray | None = None
        self._content_type = ""
        self._status = 0
        self._stream: OpenStream | None = None
        self._globals: Any = None
        self._error: BaseException | None = None
        self._is_known = self._has_ended = self._is_explained = False
        if kind != "page":
            self._add(self._head, is_head=True)

    def run(self, app: Wsgi, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Call the app for the request."""
        environ[VISIT] = self

        def start(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Callable[[bytes], object]:
            self._record(self._note_start, environ, status, headers)
            write = start_response(status, headers, *exc_info)

            def write_and_note(data: bytes) -> object:
                self.note(data)
                return write(data)

            # Some servers have no write().
            return write_and_note if write is not None else write

        try:
            body = app(environ, start)
        except BaseException as error:
            self.fail(error, environ)
            self.end()
            raise
        return _Watched(body, self)

    def fail(self, error: BaseException, environ: dict[str, Any]) -> None:
        """Record an exception of the app, once."""
        if error is not self._error:
            self._error = error
            self._record(self._describe, environ.get("werkzeug.request"))
            self._record(lambda: self._add(error_facts(self._timeline.app_state.app, error)))

    def note(self, data: bytes) -> None:
        """Record a part of the body."""
        self._record(self._note, data)

    def _record(self, record: Callable[..., object], *arguments: Any) -> None:
        """Call a function that records something; the app goes on whatever happens in it."""
        try:
            record(*arguments)
        except Exception:
            self._timeline.app_state.app.logger.exception("Datastar: the timeline could not record a request")

    def _note_start(self, environ: dict[str, Any], status: str, headers: list[tuple[str, str]]) -> None:
        self._status = int(status[:3])
        found = {name.lower(): value for name, value in headers}
        self._content_type = found.get("content-type", "")
        is_html = "html" in self._content_type
        if self._kind == "page":
            if not (is_html or self._status >= 300):
                return
            self._add(self._head, is_head=True)
        self._record(self._describe, environ.get("werkzeug.request"))
        facts: dict[str, Any] = {"status": self._status, "type": self._content_type}
        for name in ("location", "content-encoding", "datastar-repeat-ignored"):
            if name in found:
                facts[name] = found[name]
        self._add(facts)
        if "content-encoding" not in found:
            if "event-stream" in self._content_type:
                self._parser = EventParser()
            elif self._status >= 400 or self._kind != "page":
                self._text = bytearray()

    def _describe(self, current: Request | None) -> None:
        """Record the handler, what it got, and the stream that it opened."""
        if current is None or self._is_known:
            return
        self._is_known = True
        if has_app_context():
            self._globals = g._get_current_object()
        facts = answer_facts(self._timeline.app_state, current, self._query)
        self._is_explained = "refusal" in facts
        state = request_state_of(current)
        body = state.stream_body if state is not None else None
        if isinstance(body, StreamBody):
            facts["kind"] = self._kind = "stream"
            self._stream = OpenStream(self._records, self.id, body, self._started_at)
            # The request is over soon, and the stream keeps nothing of it.
            self._note_queries(facts)
        if isinstance(facts.get("signals"), dict):
            facts["signals"] = {name: value for name, value in facts["signals"].items() if name != CARRIED_TOKEN}
        self._add(facts, is_head=True)
        if self._stream is not None:
            self._timeline.open_stream(self.id, self._stream)

    def _note_queries(self, facts: dict[str, Any]) -> None:
        """Add the queries so far to facts, and forget the context that has them."""
        found, self._globals = self._globals, None
        if found is not None and _QUERIES in found:
            facts["queries"] = query_facts(found.get(_QUERIES))
        elif found is not None and "sqlalchemy" in self._timeline.app_state.app.extensions:
            facts["has_unseen_queries"] = not self._timeline.app_state.app.config.get("SQLALCHEMY_RECORD_QUERIES")

    def _note(self, data: bytes) -> None:
        if self._stream is not None:
            self._stream.refresh()
        if self._parser is not None:
            try:
                for event in self._parser.feed(data):
                    self._add(event_facts(event))
            except ValueError:
                # Not the text of events: another extension has encoded it.
                self._parser = None
                return
            self._parser.comments.clear()
        elif self._text is not None and len(self._text) < _MOST_TEXT_BYTES:
            self._text += data[:_MOST_TEXT_BYTES]

    def end(self) -> None:
        """Record the end of the request, once."""
        if not self._has_ended:
            self._has_ended = True
            self._record(self._note_end)
            self._records.finish(self.id)

    def _note_end(self) -> None:
        facts: dict[str, Any] = {"seconds": round(time.monotonic() - self._started_at, 4), "has_ended": True}
        if self._stream is not None:
            facts["reason"], self._stream = self._stream.reason, None
            self._timeline.close_stream(self.id)
        if self._text and not self._is_explained:
            is_refused = self._status >= 400
            facts["refusal" if is_refused else "body"] = refusal_text(bytes(self._text), self._content_type)
        self._note_queries(facts)
        self._text = self._parser = None
        if self._is_known or self._kind != "page":
            self._add(facts)

    def _add(self, facts: dict[str, Any], *, is_head: bool = False) -> None:
        self._records.add(self.id, facts, is_head=is_head)


class _Watched:
    """The body of a response, each part of which is recorded before the server gets it."""

    def __init__(self, body: Iterable[bytes], visit: Visit) -> None:
        self._body = body
        self._parts: Iterator[bytes] = iter(body)
        self._visit = visit

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            part = next(self._parts)
        except StopIteration:
            self._visit.end()
            raise
        except BaseException as error:
            self._visit.fail(error, {})
            raise
        self._visit.note(part)
        return part

    def __del__(self) -> None:
        # A server that fails can drop the body without closing it.
        self._visit.end()

    def close(self) -> None:
        close = getattr(self._body, "close", None)
        try:
            if close is not None:
                close()
        finally:
            self._visit.end()


def kind_of(environ: dict[str, Any], prefix: str) -> str | None:
    """Return the kind of a request that the timeline shows; None for any other."""
    if environ.get(REQUEST_HEADER_KEY, "").lower() == "true" or environ.get("PATH_INFO", "").startswith(prefix):
        return "action"
    is_page = environ["REQUEST_METHOD"] == "GET" and "text/html" in environ.get("HTTP_ACCEPT", "")
    return "page" if is_page and environ.get("HTTP_SEC_FETCH_DEST", "document") == "document" else None
