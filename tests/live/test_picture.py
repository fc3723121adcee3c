"""The picture of the README can be taken again: the script that makes it finds its way through the board."""

from __future__ import annotations

import sqlite3

from docs import picture
from tests.live.servers import DEADLINE_SECONDS


def test_picture_of_the_readme_can_be_taken(servers, example, browser, tmp_path):
    with sqlite3.connect(servers.folder / "example.sqlite", timeout=DEADLINE_SECONDS) as connection:
        connection.executescript("delete from card; delete from notice")
    path = tmp_path / "board.webp"

    picture.take(browser, example.url, path, scale=1)

    assert path.read_bytes().startswith(b"RIFF")


def test_picture_of_the_readme_is_light():
    assert picture.PICTURE.stat().st_size <= picture.MOST_BYTES
