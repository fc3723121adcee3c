"""The cookbook: its pages on the server, and the code of the recipes on the pages of the documentation."""

from __future__ import annotations

import inspect
import itertools
import re
import subprocess
import sys
from collections.abc import Iterator
from html import unescape
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.utils import import_string

from example import create_app
from example.cookbook.background import THREADS, free_threads
from example.cookbook.pages import RECIPES, read_files
from example.cookbook.presigned import presign_post
from example.extensions import datastar
from flask_datastar.testing import DatastarClient, NotInTab
from tests.brokers.redis_server import RedisServer
from tests.support.children import plain_environment
from tests.support.streams import hub_for

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "cookbook"


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    database = tmp_path_factory.mktemp("cookbook") / "demos.sqlite"
    return create_app({"TESTING": True, "SECRET_KEY": "test", "SQLALCHEMY_DATABASE_URI": f"sqlite:///{database}"})


def test_documentation_has_the_code_that_runs(example: Flask) -> None:
    pages = "".join(page.read_text(encoding="utf-8") for page in PAGES.glob("*.md"))
    documented = dict(re.findall(r"^<!-- (\S+) -->\n```\S+\n(.*?)^```$", pages, re.MULTILINE | re.DOTALL))

    with example.app_context():
        expected = {path: text for name in RECIPES for path, text in read_files(name)}
    assert documented.keys() == expected.keys()
    assert [path for path, code in documented.items() if code != (ROOT / path).read_text(encoding="utf-8")] == []


def test_toast_is_seen_until_its_time_has_passed(example: Flask) -> None:
    with DatastarClient(example) as tab:
        tab.load("/cookbook/toast")
        tab.click(text="Save")
        tab.wait_for("#toasts .toast", text="“Report” is saved.")
        tab.wait(5.9)
        assert tab.is_visible("#toasts .toast")
        tab.wait(0.1)
        assert tab.text("#toasts") == ""


def test_toast_of_a_job_is_waited_for(example: Flask) -> None:
    with DatastarClient(example) as tab:
        tab.load("/cookbook/job_toast")
        tab.click(text="Send the invoice")
        tab.wait_for("#toasts .toast")
        assert tab.text("#toasts .toast").startswith("The invoice is sent.")
        tab.wait(6)
        assert tab.text("#toasts") == ""


def test_upload_is_tested_as_its_recipe_says(example: Flask) -> None:
    (code,) = re.findall(
        r"^```python\n(from io.*?)^```$", (PAGES / "forms.md").read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    names: dict[str, Any] = {}
    exec(compile(code, "forms.md", "exec"), names)

    with DatastarClient(example) as tab:
        names["test_upload_is_received"](tab)
        tab.load("/cookbook/upload")
        tab.upload("#file", ("a.txt", b"abc"))
        with pytest.raises(NotInTab, match="XMLHttpRequest"):
            tab.click(text="Upload")


def test_index_of_the_documentation_names_every_recipe() -> None:
    text = (PAGES / "index.md").read_text(encoding="utf-8")

    assert re.findall(r"^- \[(.+?)\]", text, re.MULTILINE) == [recipe.title for recipe in RECIPES.values()]


def test_every_file_of_the_cookbook_belongs_to_a_recipe(example: Flask) -> None:
    with example.app_context():
        shown = {path for name in RECIPES for path, _ in read_files(name)}

    files = [*ROOT.glob("example/cookbook/*.py"), *ROOT.glob("example/templates/cookbook/*.html")]
    frame = {"__init__.py", "pages.py", "index.html", "recipe.html"}
    assert {str(Path(file).relative_to(ROOT)) for file in files if file.name not in frame} == shown


@pytest.mark.parametrize("name", RECIPES)
def test_page_shows_the_text_of_its_files(example: Flask, name: str) -> None:
    page = example.test_client().get(f"/cookbook/{name}")

    assert page.status_code == 200
    shown = [unescape(text) for text in re.findall(r"<pre [^>]*><code>(.*?)</code></pre>", page.text, re.DOTALL)]
    with example.app_context():
        assert shown == [text for _, text in read_files(name)]


def test_bucket_of_the_example_keeps_to_what_was_signed(example: Flask) -> None:
    def upload(size: int, **changed: str) -> int:
        with example.app_context():
            config = example.config.get_namespace("BUCKET_")
        config.pop("url")
        fields = presign_post("uploads/a", bucket=config.pop("name"), most_bytes=10, **config)
        data = {**fields, **changed, "file": (BytesIO(b"x" * size), "a.txt")}
        return example.test_client().post("/cookbook/own_bucket", data=data).status_code

    assert upload(10) == 204
    assert [upload(size) for size in (0, 11)] == [403, 403]
    assert upload(10, key="uploads/b") == 403
    assert upload(10, policy="e30=") == 403
    assert upload(10, **{"x-amz-signature": "é"}) == 403


@pytest.mark.redis
def test_job_in_a_worker_of_rq_shows_its_progress(tmp_path: Path) -> None:
    with RedisServer() as redis:
        config = {
            "SECRET_KEY": "test",
            "SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path}/demos.sqlite",
            "DATASTAR_BROKER_URL": redis.url,
            "JOBS_URL": redis.url,
        }
        app = create_app({"TESTING": True, **config})
        tab = DatastarClient(app, within=60)
        with tab.live("/cookbook/job") as page:
            tab.post("example-cookbook-job.start")
            assert "0 %" in page["report"]
            command = [sys.executable, "-m", "flask", "--app", "example", "cookbook", "work", "--burst"]
            variables = {f"EXAMPLE_{name}": value for name, value in config.items()}
            with subprocess.Popen(command, cwd=ROOT, env=plain_environment(**variables)) as worker:
                page.wait_for("report", "The report is ready.")
            assert worker.returncode == 0
            assert len(page.events) > 2
        hub_for(app).bus.close()


HOSTILE: list[object] = ["", "x" * 5000, "\x00\u2028</script>", -1, 10**30, 1e308, True, None, [], {"a": [1]}]


@pytest.fixture
def no_thread_is_free() -> Iterator[None]:
    while free_threads.acquire(blocking=False):
        pass
    yield
    for _ in range(THREADS):
        free_threads.release()


@pytest.mark.usefixtures("no_thread_is_free")
def test_no_value_from_a_stranger_makes_a_recipe_fail(example: Flask) -> None:
    handlers = [one for one in datastar.handlers if one.group.startswith("example-cookbook-") and one.kind == "handler"]
    assert len(handlers) > 20
    for handler, value in itertools.product(handlers, HOSTILE):
        names = inspect.signature(import_string(handler.function)).parameters
        # A browser without cookies, which has not loaded the page.
        tab = DatastarClient(example, dict.fromkeys(names, value))
        ask = tab.get if "GET" in handler.methods else tab.post
        answer = ask(f"{handler.group}.{handler.name}")
        assert answer.status_code in (200, 204, 400, 503), f"{handler.function} with {value!r:.50}"


@pytest.mark.parametrize("page", ["-1", "9" * 30, "x"])
def test_page_of_the_pagination_may_be_anything(example: Flask, page: str) -> None:
    answer = example.test_client().get(f"/cookbook/pagination?page={page}")

    assert f"Page {9 if page.startswith('9') else 1} of 9" in answer.text


def test_tables_of_the_cookbook_keep_their_newest_rows_only(example: Flask) -> None:
    tab = DatastarClient(example, {"author": "Ann"})
    for number in range(60):
        tab.signals["text"] = f"Message {number}"
        tab.post("example-cookbook-chat.send")

    shown = re.findall(r"Message (\d+)", tab.client.get("/cookbook/chat").text)
    assert shown == [str(number) for number in range(10, 60)]
