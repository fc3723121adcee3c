"""Schemes of ``DATASTAR_BROKER_URL``: which URLs are accepted, and what the refusals show."""

from __future__ import annotations

import pytest
from flask import Flask

from flask_datastar import Datastar
from flask_datastar.brokers import schemes
from flask_datastar.brokers.schemes import check_broker_url
from flask_datastar.errors import ConfigError, SetupError

KEY = "DATASTAR_BROKER_URL"


@pytest.mark.parametrize("value", ["", "memory", "memory://x", "nats://localhost", 1, False, b"redis://:secret@h"])
def test_url_of_no_known_broker_is_refused(value: object) -> None:
    with pytest.raises(
        ConfigError, match=r"^DATASTAR_BROKER_URL is .*; accepted: None, 'memory://', or a URL that "
    ) as e:
        check_broker_url(value, KEY)

    assert "secret" not in str(e.value)


@pytest.mark.parametrize(
    "value", [None, "memory://", "redis://", "redis://:p%40@[::1]:6379/1", "rediss://u:p@h:1/0?a=b"]
)
def test_url_of_a_known_broker_is_accepted(value: str | None) -> None:
    check_broker_url(value, KEY)


def test_init_app_checks_the_url_and_names_the_key() -> None:
    app = Flask("shop")
    app.config["DATASTAR_BROKER_URL"] = "nats://localhost"

    with pytest.raises(ConfigError, match=r"^DATASTAR_BROKER_URL is 'nats://…'; accepted"):
        Datastar(app)
    with pytest.raises(ConfigError, match=r"^DATASTAR_BROKER_URL \(argument broker_url\) is 5; accepted"):
        Datastar(app, broker_url=5)
    assert "datastar" not in app.extensions


@pytest.mark.parametrize(
    "rest", ["secret@h:port", "secret@h:70000", "secret@h:-1", "secret@[::1", "secret#/x@h:port]["]
)
def test_url_that_cannot_be_taken_apart_is_refused_and_its_password_not_shown(rest: str) -> None:
    with pytest.raises(ConfigError, match=r"^DATASTAR_BROKER_URL is 'redis://…': it cannot be parsed; ") as caught:
        check_broker_url(f"redis://u:{rest}", KEY)

    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("scheme", ["redis", "rediss"])
def test_broker_whose_package_is_missing_says_what_to_install(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schemes, "find_spec", lambda name: None)

    with pytest.raises(SetupError, match=r"^DATASTAR_BROKER_URL needs redis; .*'Flask-Datastar\[redis\]'$"):
        check_broker_url(f"{scheme}://localhost", KEY)
    check_broker_url("memory://", KEY)
