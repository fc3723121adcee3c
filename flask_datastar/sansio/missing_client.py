"""The message in a page, in debug mode, that its client was not loaded; without one the page is silently dead."""

from __future__ import annotations

from . import javascript

#: The id of the message.
MESSAGE_ID = "datastar-missing"

_STYLE = (
    "position: relative; z-index: 2147483647; margin: 0; padding: 0.75rem 1rem; color: #1f1f1f; background: #fff5f5; "
    "border: 2px solid #c00; font: 0.9rem/1.4 ui-monospace, monospace"
)

# An error of an element reaches window in the capturing phase only. The page is changed by the DOM alone, because a
# content security policy may refuse style attributes and HTML. It starts before the client does: an error that comes
# before its listener is lost.
_SCRIPT = """addEventListener('error', ({{target}}) => {{
  if (target.localName !== 'script' || target.getAttribute('src') !== {url}) return
  const show = () => {{
    const message = document.createElement('p')
    message.id = {id}
    message.setAttribute('role', 'alert')
    message.style.cssText = {style}
    message.textContent = {text}
    document.body.prepend(message)
  }}
  document.body ? show() : addEventListener('DOMContentLoaded', show)
}}, true)"""


def missing_client_script(url: str) -> str:
    """Return the script that shows the message if the client cannot be loaded; it stands before the client's.

    :param url: the client's URL, as its ``<script>`` has it.
    """
    text = (
        f"Datastar: the client was not loaded from {url}, so nothing on this page reacts: the address cannot be "
        "reached, or a content security policy or its integrity refuses the file, as the browser's console says; set "
        "DATASTAR_SCRIPT_URL to a file of your own, which 'flask datastar fetch-client' fetches. (Shown in debug mode "
        "only.)"
    )
    values = {"url": url, "id": MESSAGE_ID, "style": _STYLE, "text": text}
    return _SCRIPT.format_map({name: javascript.string(value) for name, value in values.items()})
