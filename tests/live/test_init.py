"""`init` in new projects: its printed line runs them, and what one page of the sample says, another one shows."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, expect

from tests.cli.test_init_project import APP
from tests.live.conftest import CLIENT
from tests.support.children import server_environment

FIVE_LINES = APP.replace("\n\n", "\n")
BLUEPRINT = """\
from flask import Blueprint

bp = Blueprint("shop", __name__, url_prefix="/shop")


@bp.get("/")
def index():
    return "The shop"
"""
FACTORY = """\
from flask import Flask

from .views import bp


def create_app(config=None):
    app = Flask(__name__)
    app.config.from_mapping(config or {})

    app.register_blueprint(bp)

    return app
"""


@contextmanager
def running(folder: Path, files: dict[str, str], static: str) -> Iterator[str]:
    """Make a project, and do what a person does: call ``init``, and copy the line that it prints.

    :param static: the folder that has the client already.
    """
    for name, text in {**files, f"{static}/datastar.js": ""}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    shutil.copy(CLIENT, folder / static / "datastar.js")
    command = [sys.executable, "-m", "flask_datastar", "init"]
    printed = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout
    found = re.search(r"^Run it: (.*)\nOpen (https://127\.0\.0\.1):8000(/sample)$", printed, re.MULTILINE)
    assert found is not None, printed
    line = shlex.split(found[1])
    assert line[0] == "gunicorn"
    with socket.create_server(("127.0.0.1", 0)) as listener, (folder / "log").open("wb") as log:
        variables = server_environment(
            GUNICORN_CMD_ARGS=f"--bind fd://{listener.fileno()}",
            XDG_RUNTIME_DIR=str(folder),
            PYTHONPATH=os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")])),
        )
        server = subprocess.Popen(
            [sys.executable, "-m", *line],
            cwd=folder,
            env=variables,
            stdout=log,
            stderr=log,
            pass_fds=[listener.fileno()],
        )
        try:
            yield f"{found[2]}:{listener.getsockname()[1]}{found[3]}"
        finally:
            server.terminate()
            server.wait(60)
    # The browser drops its first connection, because it does not know the authority of the certificate.
    errors = re.findall(r"^[\w.]+(?:Error|Exception)\b.*", (folder / "log").read_text(), re.MULTILINE)
    assert [error for error in errors if "CERTIFICATE_UNKNOWN" not in error] == []


def try_sample(context: BrowserContext, url: str) -> None:
    one, other = context.new_page(), context.new_page()
    for page in (one, other):
        with page.expect_response("**/ds/sample/messages*"):
            page.goto(url)
    one.get_by_label("Text").fill("Hello")
    one.get_by_role("button", name="Show it in both").click()

    expect(one.locator("output")).to_have_text("Hello")
    expect(other.locator("output")).to_have_text("Hello")
    expect(one.get_by_label("Text")).to_have_value("")
    expect(one.get_by_role("alert")).to_have_text(re.compile(r"^\s*(Dismiss)?\s*$"))


def test_sample_works_in_new_projects(browser: Browser, tmp_path: Path) -> None:
    module = {"app.py": FIVE_LINES}
    factory = {"shop/__init__.py": FACTORY, "shop/views.py": BLUEPRINT}
    with ExitStack() as stack:
        urls = [
            stack.enter_context(running(tmp_path / "one", module, "static")),
            stack.enter_context(running(tmp_path / "two", factory, "shop/static")),
        ]
        # The browser knows nothing of the certificate's authority.
        context = browser.new_context(ignore_https_errors=True)
        stack.callback(context.close)
        for url in urls:
            try_sample(context, url)
