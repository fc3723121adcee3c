"""The sending methods for scripts, navigation, the console, and events for page code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import has_request_context, request

from ..sansio import scripts as script_events
from .base import Sender, Sent


class ScriptMethods(Sender[Sent]):
    """Run scripts, redirect the browser, write to its console, and dispatch events."""

    def execute_script(
        self,
        script: str,
        *,
        auto_remove: bool = True,
        attributes: Mapping[str, str | bool] | None = None,
        event_id: str | None = None,
        retry_ms: int | None = None,
    ) -> Sent:
        """Run JavaScript in the page, once. Insert values with ``datastar.js(value).js``.

        :param auto_remove: whether the script element removes itself after it ran.
        :param attributes: attributes of the script element; True is a bare attribute, False leaves the attribute out.
        """
        return self._emit(
            script_events.execute_script(
                script, auto_remove=auto_remove, attributes=attributes, event_id=event_id, retry_ms=retry_ms
            )
        )

    def redirect(self, url: str, *, event_id: str | None = None, retry_ms: int | None = None) -> Sent:
        """Send the browser to another page.

        :param url: a relative, http or https URL.
        """
        return self._emit(script_events.redirect(url, event_id=event_id, retry_ms=retry_ms))

    def push_url(self, url: str, *, event_id: str | None = None, retry_ms: int | None = None) -> Sent:
        """Show another URL of this site and add an entry to the history, without loading the page.

        :param url: a relative URL, or an absolute URL with the request's own host.
        """
        return self._emit(script_events.push_url(_without_own_host(url), event_id=event_id, retry_ms=retry_ms))

    def replace_url(self, url: str, *, event_id: str | None = None, retry_ms: int | None = None) -> Sent:
        """Show another URL of this site and replace the current history entry, without loading the page.

        :param url: a relative URL, or an absolute URL with the request's own host.
        """
        return self._emit(script_events.replace_url(_without_own_host(url), event_id=event_id, retry_ms=retry_ms))

    def console_log(
        self, message: object, *, level: str = "log", event_id: str | None = None, retry_ms: int | None = None
    ) -> Sent:
        """Write to the browser's console.

        :param message: any value that can be sent as JSON.
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

        :param name: the event's name without the prefix.
        :param detail: key → value, each sent as compact JSON under its key.
        """
        return self._emit(
            script_events.dispatch_event(name, detail, event_id=event_id, retry_ms=retry_ms, dumps=self._dumps())
        )


def _without_own_host(url: str) -> str:
    """Remove the request's own scheme and host from a URL, as ``url_for(_external=True)`` returns it."""
    if isinstance(url, str) and has_request_context() and url.startswith(request.host_url):
        return "/" + url.removeprefix(request.host_url)
    return url
