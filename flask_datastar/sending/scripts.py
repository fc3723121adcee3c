"""The sending methods for what runs in the page: scripts, navigation, the console, events for page code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import has_request_context, request

from ..sansio import scripts as script_events
from .base import Sender, Sent


class ScriptMethods(Sender[Sent]):
    """Run scripts, send the browser elsewhere, write to its console, dispatch events."""

    def execute_script(
        self,
        script: str,
        *,
        auto_remove: bool = True,
        attributes: Mapping[str, str | bool] | None = None,
        event_id: str | None = None,
        retry_ms: int | None = None,
    ) -> Sent:
        """Run JavaScript in the page, once. Write values into it with ``datastar.js(value).js``.

        :param auto_remove: let the script element remove itself after it ran.
        :param attributes: of the script element; True is a bare attribute.
        """
        return self._emit(
            script_events.execute_script(
                script, auto_remove=auto_remove, attributes=attributes, event_id=event_id, retry_ms=retry_ms
            )
        )

    def redirect(self, url: str, *, event_id: str | None = None, retry_ms: int | None = None) -> Sent:
        """Send the browser to another page.

        :param url: relative, or http or https.
        """
        return self._emit(script_events.redirect(url, event_id=event_id, retry_ms=retry_ms))

    def push_url(self, url: str, *, event_id: str | None = None, retry_ms: int | None = None) -> Sent:
        """Show another address of this site and add it to the history, without loading it.

        :param url: relative, or absolute with the request's own host.
        """
        return self._emit(script_events.push_url(_without_own_host(url), event_id=event_id, retry_ms=retry_ms))

    def replace_url(self, url: str, *, event_id: str | None = None, retry_ms: int | None = None) -> Sent:
        """Show another address of this site in place of the current history entry.

        :param url: relative, or absolute with the request's own host.
        """
        return self._emit(script_events.replace_url(_without_own_host(url), event_id=event_id, retry_ms=retry_ms))

    def console_log(
        self, message: object, *, level: str = "log", event_id: str | None = None, retry_ms: int | None = None
    ) -> Sent:
        """Write to the browser's console.

        :param message: anything JSON-able.
        :param level: ``log``, ``warn``, ``error``, ``info`` or ``debug``.
        """
        return self._emit(
            script_events.console_log(message, level=level, event_id=event_id, retry_ms=retry_ms, dumps=self._dumps())
        )

    def dispatch_event(
        self,
        name: str,
        detail: Mapping[str, Any] | None = None,
        *,
        event_id: str | None = None,
        retry_ms: int | None = None,
    ) -> Sent:
        """Dispatch a ``datastar-<name>`` event to page code, without a script.

        :param name: without the prefix.
        :param detail: key → value, each sent as compact JSON under its key.
        """
        return self._emit(
            script_events.dispatch_event(name, detail, event_id=event_id, retry_ms=retry_ms, dumps=self._dumps())
        )


def _without_own_host(url: str) -> str:
    """Take the request's own scheme and host off an absolute URL, as ``url_for(_external=True)`` gives it."""
    if isinstance(url, str) and has_request_context() and url.startswith(request.host_url):
        return "/" + url.removeprefix(request.host_url)
    return url
