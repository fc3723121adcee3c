"""What the test applications have in common: the client as a local file, and a page around a test's own elements."""

from __future__ import annotations

from pathlib import Path

from flask import Flask, render_template_string

from flask_datastar import Datastar

STATIC = Path(__file__).parents[3] / "example" / "static"

LAYOUT = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <title>Test</title>
  <link rel="icon" href="data:,">
  <script>
    // The type of every event of the client's requests, for the tests to look at.
    window.fetchEvents = []
    document.addEventListener('datastar-fetch', (event) => window.fetchEvents.push(event.detail.type))
  </script>
  {{ datastar.script() }}
</head>
<body>BODY</body>
</html>
"""


def make_app(name: str) -> tuple[Flask, Datastar]:
    app = Flask(name, static_folder=STATIC, static_url_path="/static")
    # Fixed, so that a restart in the middle of a test would not log anybody out.
    app.secret_key = "only for tests"
    # So that a test can set keys of the extension for the server that it starts.
    app.config.from_prefixed_env("EXTRA")
    return app, Datastar(app, script_url="/static/datastar.js")


def render_page(body: str, **context: object) -> str:
    """Render a template for the inside of ``<body>`` within the layout."""
    return render_template_string(LAYOUT.replace("BODY", body), **context)
