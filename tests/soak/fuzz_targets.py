"""The requests of the fuzz: what each address takes when it is whole, and what headers may say."""

from __future__ import annotations

from typing import Any

SCALARS = {
    **{"whole": 3, "number": 1.5, "sure": True, "text": "Tea", "key": "12345678-1234-5678-1234-567812345678"},
    **{"day": "2026-11-25", "at": "2026-11-25T12:30:00", "clock": "12:30", "span": 90, "amount": "9.99"},
    **{"kind": "a", "colour": "red"},
}
ROWS = [{"name": "a", "count": 1}, {"name": "b"}]
CONTAINERS = {
    **{"ids": ["", "2", ""], "names": ["a", "b"], "pair": [1, "x"], "many": [1, 2.5], "rows": ROWS, "point": {"x": 1}},
    **{"table": {"a": [1], "b": []}, "places": [{"street": "s", "number": 1}], "form": {"street": "deep"}},
    **{"anything": {"a": [1, {"b": None}]}},
}
ORDER = {"title": "T", "rows": ROWS, "where": {"street": "s"}, "point": {"x": 1, "y": 2}, "colours": ["red"]}
CUSTOMER = {"name": "N", "age": 3, "rows": ROWS, "mails": ["2026-11-25T12:30:00"]}
PACKET = {"name": "N", "weight": 1.5, "parts": [{"a": 1}]}
SHEET = {
    **{"name": "N", "count": "3", "price": "1.50", "day": "2026-11-25", "done": True, "kind": "a", "tags": ["x", ""]},
    **{"names": ["a"], "lines": [{"what": "w", "amount": "1"}]},
}
ECHO = {"text": "Tea", "n": {"a": 1, "b": [True, None]}, "tabId": "t1.p1"}

#: Path → whole signals.
TARGETS: dict[str, dict[str, Any]] = {
    "/ds/fuzz/scalars": SCALARS,
    "/ds/fuzz/containers": CONTAINERS,
    "/ds/fuzz/order": ORDER,
    "/ds/fuzz/customer": CUSTOMER,
    "/ds/fuzz/packet": PACKET,
    "/ds/fuzz/sheet": SHEET,
    "/ds/fuzz/upload": {"text": "Tea"},
    **{f"/ds/fuzz/{name}": ECHO for name in ("echo", "steps", "leave", "login", "refused")},
    "/plain": ECHO,
    "/model": ORDER,
    "/page/some/text": {},
    "/boards/3/mine": {},
    "/ds/fuzz-board/move": {"step": 1, "text": "x", "number": 3, "name": "mine"},
    "/ds/fuzz-board/other": {"number": 3, "name": "mine"},
}
_ALL = ["GET", "POST", "POST", "POST", "PUT", "PATCH", "DELETE", "QUERY"]
_CHANGING = ["POST", "POST", "PUT", "PATCH", "DELETE"]
#: The last part of a path → methods that mostly reach the function.
USUAL_METHODS: dict[str, list[str]] = {
    **{path.split("/")[-1]: _ALL for path in TARGETS},
    **dict.fromkeys(("upload", "leave", "login", "refused", "move", "other"), _CHANGING),
    **{"echo": ["GET", "POST", "POST", "DELETE"], "steps": ["GET", "POST", "POST"], "model": ["GET", "POST"]},
    **{"text": ["GET"], "mine": ["GET"], "plain": ["GET", "POST", "PUT", "DELETE", "QUERY"]},
}
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "QUERY", "HEAD", "OPTIONS", "TRACE", "get", "PROPFIND"]
TYPES = [
    *["application/json", "application/json; charset=utf-8", "application/json, text/x", "APPLICATION/JSON", ""],
    *["text/plain; application/json", "application/json; charset=utf-16", "application/json;;", "application/jsonx"],
    *["application/x-www-form-urlencoded; application/json", "multipart/form-data", "multipart/form-data; boundary="],
    *["multipart/form-data; boundary=\xe9", "multipart/mixed; boundary=x", "text/event-stream", ",", ";"],
    *["é/ü".encode().decode("latin-1"), "application/json; charset=\"utf-8"],
    *["application/json; charset=none", "multipart/form-data; boundary=" + "b" * 300],
]  # fmt: skip
LENGTHS = [
    "",
    "0",
    "-1",
    "1",
    "5",
    " 12 ",
    "+3",
    "1_0",
    "0x10",
    "9" * 18,
    "9" * 19,
    "9" * 5000,
    "1e3",
    "\xb2",
    "12, 12",
    "x",
]
#: Headers that the extension or what it uses reads.
HEADERS = [
    *["Referer", "Origin", "Cookie", "Last-Event-ID", "Datastar-Request", "Datastar-Tab", "Datastar-Key"],
    *["X-CSRFToken"],
    *["Sec-Fetch-Site", "Host", "Accept", "Accept-Encoding", "User-Agent", "X-Forwarded-For"],
    *["If-None-Match", "Range"],
    *["Authorization", "Transfer-Encoding", "X-Requested-With", "Accept-Language", "Forwarded"],
    *["If-Modified-Since", "Date"],
]  # fmt: skip
