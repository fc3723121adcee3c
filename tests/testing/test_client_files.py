from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask, Response

from flask_datastar import Datastar
from flask_datastar.testing import ClientFileMissing, DatastarClient
from tests.support.pages import CLIENT

PAGE = "<script type=module src={}></script><body data-signals='{{\"n\": 1}}'><button data-on:click='$n++'>+</button>"


def make(src: str, **options: object) -> Flask:
    app = Flask("shop", **options)  # type: ignore[arg-type]
    app.testing = True
    Datastar(app)
    app.add_url_rule("/", "index", lambda: PAGE.format(src))
    return app


def clicked(app: Flask, **options: object) -> int:
    with DatastarClient(app, **options) as tab:  # type: ignore[arg-type]
        tab.load("/")
        tab.click("button")
        return int(tab.signals["n"])


def test_file_of_the_static_folder_is_run() -> None:
    assert clicked(make("/static/datastar.js", static_folder=CLIENT.parent)) == 2


def test_file_that_a_view_serves_is_run() -> None:
    app = make("/assets/datastar.js?v=1")
    app.add_url_rule("/assets/datastar.js", "c", lambda: Response(CLIENT.read_text(), mimetype="text/javascript"))

    assert clicked(app) == 2


def test_fetched_file_stands_in_for_a_cdn() -> None:
    assert clicked(make("https://cdn.example/datastar@v1/bundles/datastar.js", static_folder=CLIENT.parent)) == 2


def test_named_file_is_run() -> None:
    assert clicked(make("https://cdn.example/datastar.js"), client_file=CLIENT) == 2


@pytest.mark.parametrize("src", ["https://cdn.example/datastar.js", "/static/datastar.js"])
def test_missing_file_is_an_error_of_the_first_gesture(src: str, tmp_path: Path) -> None:
    with DatastarClient(make(src, static_folder=tmp_path)) as tab:
        tab.load("/")
        assert tab.signals == {"n": 1}
        with pytest.raises(ClientFileMissing, match=r"datastar\.js.*flask datastar fetch-client"):
            tab.click("button")


def test_missing_named_file_is_an_error() -> None:
    with DatastarClient(make("/static/datastar.js"), client_file="nowhere.js") as tab:
        tab.load("/")
        with pytest.raises(ClientFileMissing, match=r"nowhere\.js.*no such file"):
            tab.text()
