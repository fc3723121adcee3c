"""A stream whose events are compressed for whoever accepts that."""

from __future__ import annotations

from typing import Any

from flask import Flask, request

from flask_datastar import Datastar

app = Flask(__name__)
app.config.update(
    SECRET_KEY="only for tests", DATASTAR_MAX_STREAMS_PER_SCOPE=100, DATASTAR_COMPRESSION=("zstd", "gzip")
)
app.config.from_prefixed_env("EXTRA")
datastar = Datastar(app)


def scope() -> str:
    return request.args.get("scope", "")


@datastar.stream(group="t", scope=scope)
def feed() -> Any:
    found = datastar.follow("news")
    datastar.patch_elements('<p id="state">open</p>')
    return found


@app.post("/publish")
def publish() -> dict[str, Any]:
    """Broadcast a table; its last line is ``MARK`` with the number."""
    number = int(request.args["n"])
    rows = "\n".join(f"<li>{row}: {row * 7919 % 1009}</li>" for row in range(300))
    datastar.broadcast("news").patch_elements(f'<ul id="table">\n{rows}\n<li id="mark">MARK {number}.</li></ul>')
    return {}


@app.post("/close")
def close() -> dict[str, Any]:
    return {"closed": datastar.tabs.close(request.args["scope"])}


@app.get("/page")
def page() -> str:
    """Read the URL ``feed``, and send each part of its body to the URL ``back`` as it comes."""
    return """<!doctype html><script type="module">
    const query = new URLSearchParams(location.search)
    const tell = (path, body) => fetch(query.get('back') + path, {method: 'POST', mode: 'no-cors', body})
    try {
      const response = await fetch(query.get('feed'), {headers: {'Datastar-Request': 'true'}})
      await tell('coding', response.headers.get('content-encoding') ?? 'identity')
      const reader = response.body.getReader()
      for (let part = await reader.read(); !part.done; part = await reader.read()) await tell('part', part.value)
      await tell('end', '')
    } catch (error) {
      await tell('error', String(error))
    }
    </script>"""


@app.get("/figures")
def figures() -> dict[str, Any]:
    return {"stats": datastar.stats(), "untold": 0}


@app.get("/ready")
def ready() -> dict[str, Any]:
    return {}
