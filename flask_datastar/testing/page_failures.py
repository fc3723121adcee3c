"""The faults of a page, as errors that say where: the element, the attribute, the expression."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from .document import Document
from .page_errors import DuplicateId, NotInTab, PageError
from .page_host import Report
from .seeing import is_element, shown

_OF_CLIENT = re.compile(r"data-(?:on[:-]|bind[:_]|signals|init\b)")
_ACTION = re.compile(r"@(?:get|post|put|patch|delete)\(")


def failure_of(
    url: str, document: Document, errors: Sequence[BaseException], reports: Sequence[Report]
) -> BaseException | None:
    """Return the error that a test gets for what went wrong in a page; None if nothing did.

    :param errors: what the host's functions raised.
    :param reports: what the page's scripts threw.
    """
    places = [_place(document, report) for report in reports]
    if errors:
        error = errors[0]
        if isinstance(error, NotInTab) and places:
            return NotInTab(f"{error}; it is used by {places[0]}")
        return error
    if reports:
        more = f" (and {len(reports) - 1} more errors)" if len(reports) > 1 else ""
        return PageError(f"page {url}: {places[0]}: {_message(reports[0])}{more}")
    return _duplicate_id(url, document)


def missing_client(url: str, document: Document, left_out: Sequence[str]) -> PageError | None:
    """Return the error for a page that uses Datastar and does not name its client; None for any other page."""
    for element in document.select_all("body, body *"):
        for name in element.attrs:
            if name.startswith("data-") and (_OF_CLIENT.match(name) or _ACTION.search(element.attr(name) or "")):
                others = f", only {', '.join(left_out)}" if left_out else ""
                return PageError(
                    f"page {url} has {shown(element)}, and names no Datastar client{others}: nothing of it runs; write "
                    "{{ datastar.script() }} into its head, or set DATASTAR_SCRIPT_URL to the URL of your client"
                )
    return None


def _duplicate_id(url: str, document: Document) -> DuplicateId | None:
    by_id: dict[str, list[Any]] = defaultdict(list)
    for element in document.select_all("[id]"):
        by_id[element.attr("id") or ""].append(element)
    for name, elements in by_id.items():
        if name and len(elements) > 1:
            return DuplicateId(
                f"page {url} has the id {name!r} {len(elements)} times: on {', '.join(map(shown, elements[:6]))}; "
                "patches reach only the first, so give each an id of its own"
            )
    return None


def _context(report: Report) -> dict[str, Any]:
    """Return what the client says about an error of its own; {} for others."""
    _, mark, text = report.message.partition("Context: ")
    try:
        found = json.loads(text) if mark else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _message(report: Report) -> str:
    context = _context(report)
    own = str(context.get("error", ""))
    first = report.message.partition("\n")[0]
    return ": ".join(filter(None, [first, own])) or "an error without a message"


def _place(document: Document, report: Report) -> str:
    context = _context(report)
    expression = context.get("expression") or {}
    written = str(expression.get("value") or "") if isinstance(expression, dict) else ""
    element = _element(document, report, context.get("element"), written)
    tag = "the page's script" if element is None else shown_short(element)
    if not written:
        return tag
    name = _attribute(element, written)
    return f'{tag}, {name}="{written}"' if name else f"{tag}, expression {written!r}"


def shown_short(element: Any) -> str:
    """Return an element's tag and id."""
    found = element.attr("id")
    return f'<{element.tag} id="{found}">' if found else f"<{element.tag}>"


def _element(document: Document, report: Report, told: object, written: str) -> Any:
    told = told if isinstance(told, dict) else {}
    if told.get("id"):
        found = [one for one in document.select_all("[id]") if one.attr("id") == told["id"]]
        if found:
            return found[0]
    if written:
        for one in document.select_all("*"):
            if _attribute(one, written):
                return one
    if report.element:
        node = document.node(report.element)
        return node if is_element(node) else None
    return None


def _attribute(element: Any, written: str) -> str | None:
    if element is None:
        return None
    return next((name for name in element.attrs if name.startswith("data-") and element.attr(name) == written), None)
