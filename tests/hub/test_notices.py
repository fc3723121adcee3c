"""Warnings that recur: once an hour each, whatever clients put into them."""

from __future__ import annotations

import logging

import pytest

from flask_datastar.hub import notices
from flask_datastar.hub.notices import Notices


def test_warning_is_logged_again_an_hour_later(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(notices.time, "monotonic", lambda: now)
    warnings = Notices(logging.getLogger("shop"))

    for scope in ("ann", "bob", "ann"):
        warnings.warn("scope %r is full", scope)
    assert [record.getMessage() for record in caplog.records] == ["scope 'ann' is full", "scope 'bob' is full"]

    now += 3600
    warnings.warn("scope %r is full", "ann")
    assert len(caplog.records) == 3


def test_what_is_remembered_is_bounded(caplog: pytest.LogCaptureFixture) -> None:
    warnings = Notices(logging.getLogger("shop"))

    for number in range(2500):
        warnings.warn("scope %r is full", number)

    assert len(warnings._again_at) <= 1000
    assert len(caplog.records) == 2500
