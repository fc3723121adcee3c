"""Pages in debug mode whose client is not there."""

from __future__ import annotations

from flask import Flask, Response, render_template_string

from flask_datastar import Datastar

app = Flask(__name__)
app.debug = True
datastar = Datastar(app, script_url="/gone.js?a=1&b=2", csp_nonce=lambda: "abcdef")

PAGE = """<!doctype html><html lang="en" {{ datastar.html_attrs() }}>
<head><title>Test</title><link rel="icon" href="data:,">{{ datastar.script() }}</head>
<body><p>content</p></body></html>"""
POLICY = "default-src 'self'; img-src data:; script-src 'nonce-abcdef'; require-trusted-types-for 'script'"


@app.get("/")
def index() -> str:
    return render_template_string(PAGE)


@app.get("/strict")
def strict() -> Response:
    return Response(render_template_string(PAGE), headers={"Content-Security-Policy": POLICY})
