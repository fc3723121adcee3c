"""Flask-Compress: if the type of events is added, streams that have no coding of their own have to be left out."""

from __future__ import annotations

import time

from flask_compress import Compress

from flask_datastar.testing import DatastarClient
from flask_datastar.testing.waiting import wait_until
from tests.support.decoding import decode

ENCODINGS = {"Accept-Encoding": "gzip, br, zstd"}


def test_everything_works_by_default(app, shop):
    Compress(app)

    tab = shop.check(**ENCODINGS)
    assert "Content-Encoding" not in tab.post("shop.show", _headers=ENCODINGS).response.headers


def test_a_stream_that_is_compressed_by_itself_is_left_alone(app, shop):
    app.config["COMPRESS_MIMETYPES"] = ["text/html", "text/event-stream"]
    Compress(app)

    stream = shop.connect("/ds/shop/live", Accept_Encoding="gzip")
    wait_until(lambda: b'{"turn":1}' in decode("gzip", stream.raw))
    stream.close()


def test_with_the_type_alone_a_stream_without_a_coding_of_its_own_arrives_late_or_never(app, shop):
    app.config["COMPRESS_MIMETYPES"] = ["text/html", "text/event-stream"]
    Compress(app)

    # The extension has brotli, too.
    stream = shop.connect("/ds/shop/live", Accept_Encoding="br")
    # There is nothing to wait for: nothing comes.
    time.sleep(1)
    assert (stream.status, dict(stream.headers)["Content-Encoding"], stream.raw) == (200, "br", b"")


def test_everything_works_with_the_setting(app, shop):
    # On the page:
    app.config["COMPRESS_MIMETYPES"] = ["text/html", "text/css", "text/javascript", "text/event-stream"]
    app.config["COMPRESS_STREAMS"] = False
    # So far.
    Compress(app)

    stream = shop.connect("/ds/shop/live", Accept_Encoding="gzip, br, zstd")
    stream.wait('{"turn":1}')
    stream.close()
    tab = DatastarClient(app)
    page = tab.client.post("/ds/shop/show", headers={"Datastar-Request": "true", **ENCODINGS})
    assert page.headers["Content-Encoding"] == "zstd"
    assert page.content_length < 300
