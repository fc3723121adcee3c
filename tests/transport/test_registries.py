"""Tabs, topics and groups under load, with threads and with gevent."""

from __future__ import annotations

from tests.transport.checks import all_checks, run_check
from tests.transport.scripts import group_checks, registry_checks


@all_checks(registry_checks, "threads", "gevent")
def test_registries_hold_under_load(kind: str, name: str) -> None:
    run_check(registry_checks, kind, name)


@all_checks(group_checks, "threads", "gevent")
def test_groups_hold_under_load(kind: str, name: str) -> None:
    run_check(group_checks, kind, name)
