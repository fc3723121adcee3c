"""Whose a click is: the browser that clicked, and nobody else."""

from __future__ import annotations

import pytest

from flask_datastar.repeats.owners import NO_SESSION, Owner, SessionChanges, is_same


@pytest.mark.parametrize(
    ("asked", "given", "repeat", "expected"),
    [
        # Nobody is known: the key alone tells.
        (Owner(), None, Owner(), True),
        (Owner(session="ann"), None, Owner(session="ann"), True),
        (Owner(session="ann"), None, Owner(session="bob"), False),
        (Owner(session="ann"), None, Owner(), False),
        # The headers of the answer may have arrived before the body broke off.
        (Owner(session="ann"), "ann2", Owner(session="ann2"), True),
        (Owner(session="ann"), "ann2", Owner(session="ann"), True),
        (Owner(session="ann"), "ann2", Owner(session="bob"), False),
        (Owner(), "ann", Owner(session="ann"), True),
        (Owner(), "ann", Owner(), True),
        (Owner(), "ann", Owner(session="bob"), False),
        # The answer signed the person out.
        (Owner(session="ann"), NO_SESSION, Owner(), True),
        (Owner(session="ann"), NO_SESSION, Owner(session="bob"), False),
        # Whoever has a session of his own is not the one who had none, even if he names the tab.
        (Owner(tab="t"), None, Owner(session="ann", tab="t"), False),
        (Owner(tab="t"), "ann", Owner(session="bob", tab="t"), False),
        (Owner(tab="t"), None, Owner(session="ann", tab="u"), False),
        (Owner(), None, Owner(session="ann"), False),
        # The same session in another tab, and the same tab in another session, are somebody else.
        (Owner(session="ann", tab="t"), None, Owner(session="ann", tab="u"), False),
        (Owner(session="ann", tab="t"), None, Owner(session="bob", tab="t"), False),
        (Owner(session="ann", tab="t"), None, Owner(tab="t"), False),
        (Owner(tab="t"), None, Owner(tab="u"), False),
        # Signals that could not be read name no tab.
        (Owner(session="ann", tab="t"), None, Owner(session="ann"), True),
        (Owner(address="10.0.0.1"), None, Owner(address="10.0.0.2"), True),
    ],
)
def test_only_who_clicked_is_the_same(asked: Owner, given: str | None, repeat: Owner, expected: bool) -> None:
    assert is_same(asked, given, repeat, SessionChanges()) is expected


def test_session_that_other_clicks_have_changed_is_the_same() -> None:
    changes = SessionChanges()
    for number in range(20):
        changes.note(f"s{number}", f"s{number + 1}")

    assert is_same(Owner(session="s3"), None, Owner(session="s20"), changes)
    # It grew the other way round.
    assert not is_same(Owner(session="s20"), None, Owner(session="s3"), changes)
    assert not is_same(Owner(session="other"), None, Owner(session="s20"), changes)


def test_session_that_another_click_of_the_tab_has_started_is_the_same() -> None:
    changes, asked = SessionChanges(), Owner(tab="t")
    assert asked.origin is not None
    changes.note(asked.origin, "ann")

    assert is_same(asked, None, Owner(session="ann", tab="t"), changes)
    assert is_same(asked, "another", Owner(session="ann", tab="t"), changes)
    assert not is_same(asked, None, Owner(session="bob", tab="t"), changes)
    assert Owner().origin is None
    assert Owner(session="ann", tab="t").origin == "ann"


def test_changes_that_come_back_end() -> None:
    changes = SessionChanges()
    changes.note("a", "b")
    changes.note("b", "a")

    assert not changes.has_grown("a", "c")
    assert changes.has_grown("a", "b")


def test_changes_are_bounded() -> None:
    changes = SessionChanges()
    for number in range(10_000):
        changes.note(f"a{number}", f"b{number}")

    assert len(changes._before) == 4096
    assert changes.has_grown("b9999", "a9999")
    assert not changes.has_grown("b0", "a0")
