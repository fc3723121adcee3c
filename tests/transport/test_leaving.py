"""Clients that leave are noticed: with threads, with gevent, and as on a system without epoll."""

from __future__ import annotations

import pytest

from flask_datastar.transport import leaving, watchers
from tests.transport.checks import all_checks, run_check
from tests.transport.scripts import leaving_checks


@all_checks(leaving_checks, "threads", "gevent", "threads-peek", "gevent-peek")
def test_leaving_is_noticed(kind: str, name: str) -> None:
    run_check(leaving_checks, kind, name)


def test_system_without_poll_watches_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = leaving_checks.socket.socketpair()
    with one, other:
        monkeypatch.setattr(watchers, "_EPOLL_EVENTS", 0)
        monkeypatch.setattr(watchers, "_watcher", watchers.PerProcess(watchers._make_watcher))
        monkeypatch.delattr(watchers.select, "poll")

        assert leaving.watch(one, lambda: None) is None


def test_system_without_user_timeout_goes_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(leaving.socket, "TCP_USER_TIMEOUT", raising=False)

    with leaving_checks.socket.socket() as connection:
        leaving.set_user_timeout(connection, 5)
