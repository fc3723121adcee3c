"""A plain script with the application: publishes, says how, and ends. Run by test_scripts.py."""

from __future__ import annotations

import sys
import threading
import time

import click
from flask import Flask

from flask_datastar import Datastar
from flask_datastar.errors import BrokerError
from tests.support.streams import hub_for

#: Longer than any pause of a busy machine: who waited for it is known by that.
TIMEOUT_SECONDS = 30


def create_app(url: str) -> Flask:
    app = Flask("shop")
    datastar = Datastar(app, broker_url=url, broker_timeout_seconds=TIMEOUT_SECONDS, broker_on_failure="raise")

    @app.cli.command()
    @click.argument("text")
    def tell(text: str) -> None:
        datastar.publish("news", text)

    return app


def main(url: str) -> None:
    app = create_app(url)
    datastar = app.extensions["datastar"]
    with app.app_context():
        begin = time.monotonic()
        try:
            datastar.publish("news", "from a script")
        except BrokerError as error:
            print("failed:", error)
        print("seconds:", time.monotonic() - begin)
        if hub_for(app).bus.broker.stats()["connected"]:
            datastar.broadcast("news").signal("broadcast", 1)
            print("tabs:", datastar.tabs.count(everywhere=True))
            datastar.tabs.close("ann")
    print("threads:", sorted(thread.name for thread in threading.enumerate()))


if __name__ == "__main__":
    main(sys.argv[1])
