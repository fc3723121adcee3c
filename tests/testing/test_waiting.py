"""Waits that end, in whatever way."""

from __future__ import annotations

import threading

import pytest

from flask_datastar.testing.waiting import run_all, wait_until


def test_wait_ends_as_soon_as_it_holds() -> None:
    looks = iter([False, False, True])

    wait_until(lambda: next(looks))

    assert list(looks) == []


def test_wait_for_what_never_holds_fails_at_its_deadline() -> None:
    with pytest.raises(AssertionError, match=r"^not within 0\.01 s"):
        wait_until(lambda: False, 0.01)


def test_functions_run_beside_each_other() -> None:
    both = threading.Barrier(2)

    run_all([both.wait, both.wait])


def test_error_of_a_function_is_raised() -> None:
    ran = threading.Event()

    with pytest.raises(ZeroDivisionError):
        run_all([lambda: 1 / 0, ran.set])
    assert ran.is_set()
