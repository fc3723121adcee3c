"""The addition of ``open_stream`` to ``@get(…)``, so that a page asks for its stream at once when its network returns.

The client waits up to 30 s before it asks again, and has no option that shortens a wait that has started. Both pieces
are the same text in each render.
"""

from __future__ import annotations

from typing import Final

#: The client's option for its longest wait. The client calculates with the option's value at each wait, so the value
#: may depend on the browser: a second while it is offline, when asking costs no server anything, else some ten, not the
#: same for all pages that an outage has cut off at one moment. An attempt of this kind keeps ``Last-Event-ID``.
RETRY_WAIT: Final = (
    "retryMaxWait: {valueOf: () => navigator.onLine ? 8000 + 4000 * Math.random()"
    " : (el.datastarRetryAt = Date.now(), 1000)}"
)

#: Follows the action. Where no such attempt is about to come (the connection seems to be alive, or a long wait had
#: started before), the ``data-init`` is run again when the network returns: that aborts what waits. The listener goes
#: with the action, so a stream that is done, and one whose element is gone, stay closed.
ASK_WHEN_ONLINE: Final = (
    ".finally((ask => (window.addEventListener('online', ask), () => window.removeEventListener('online', ask)))"
    "(() => document.hidden || Date.now() - el.datastarRetryAt < 1100"
    " || el.dataset.init && el.setAttribute('data-init', el.dataset.init)))"
)
