"""The time of a view's next rendering."""

from __future__ import annotations

from flask_datastar.regions.pacing import Pacing


def test_the_first_change_is_rendered_at_once() -> None:
    assert Pacing(0.1).due_at(1000.0) == 1000.0


def test_renderings_are_spaced() -> None:
    pacing = Pacing(0.1)
    pacing.note_success(1000.0, 1000.001)

    assert pacing.due_at(1000.05) == 1000.1
    assert pacing.due_at(1000.2) == 1000.2


def test_a_slow_view_rests_ten_times_as_long_as_it_takes() -> None:
    pacing = Pacing(0.1)
    pacing.note_success(1000.0, 1000.5)

    assert pacing.due_at(1000.6) == 1005.5


def test_a_view_is_slow_if_its_last_rendering_was() -> None:
    pacing = Pacing(0)
    assert not pacing.is_slow
    pacing.note_failure(1000.0, 1000.2)
    assert pacing.is_slow
    pacing.note_success(1010.0, 1010.05)
    assert not pacing.is_slow


def test_without_spacing_the_own_duration_counts() -> None:
    pacing = Pacing(0)
    pacing.note_success(1000.0, 1000.0)

    assert pacing.due_at(1000.0) == 1000.0


def test_a_failure_is_tried_again_later_each_time() -> None:
    pacing, now, waits = Pacing(0.1), 1000.0, []
    for _ in range(9):
        retry_at = pacing.note_failure(now, now)
        waits.append(retry_at - now)
        now = retry_at

    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_change_is_rendered_at_once_after_a_failure() -> None:
    pacing = Pacing(0.1)
    pacing.note_failure(1000.0, 1000.0)

    assert pacing.due_at(1000.2) == 1000.2


def test_success_forgets_the_failures() -> None:
    pacing = Pacing(0.1)
    for _ in range(5):
        pacing.note_failure(1000.0, 1000.0)
    pacing.note_success(1001.0, 1001.0)

    assert pacing.note_failure(1002.0, 1002.0) == 1003.0


def test_a_failure_that_took_long_rests_as_well() -> None:
    assert Pacing(0.1).note_failure(1000.0, 1002.0) == 1022.0
