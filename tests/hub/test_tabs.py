"""The tab registry: which stream stays. Under load it is tried in ``tests/transport``."""

from __future__ import annotations

import logging
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_datastar.hooks import Reason
from flask_datastar.hub.tabs import TabEntry, TabInfo, TabRegistry


class Opened:
    """A stream that says how it was asked to end."""

    must_end = False

    def __init__(
        self,
        tab: str | None = "t",
        page: str | None = None,
        url: str = "/feed",
        scope: str = "ann",
        opened_at: float = 1.5,
    ) -> None:
        self.asked: list[tuple[str, str | None]] = []
        self.entry = TabEntry(scope, tab, page, url, "feed", opened_at, self)

    def end_as(self, reason: Reason, winner_page: str | None) -> None:
        self.asked.append((reason, winner_page))

    def restore_id(self) -> bool:
        return True


@pytest.fixture
def registry() -> TabRegistry:
    return TabRegistry()


def register(registry: TabRegistry, *streams: Opened, limit: int = 20) -> list[bool]:
    return [registry.register(stream.entry, limit_per_scope=limit) is not None for stream in streams]


def test_newer_stream_of_a_tab_takes_the_place_of_the_older(registry: TabRegistry) -> None:
    old, new = Opened(page="p1"), Opened(page="p2")

    assert register(registry, old, new) == [True, True]
    assert (old.asked, new.asked) == ([("replaced", "p2")], [])
    assert [info.page for info in registry.snapshot()] == ["p2"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (Opened(page="p"), Opened(page="p")),
        (Opened(page=None, url="/a"), Opened(page=None, url="/b")),
        (Opened(page="p", url="/a"), Opened(page=None, url="/b")),
        (Opened(page=None, url="/a"), Opened(page="p", url="/b")),
        (Opened(page="", url="/a"), Opened(page=None, url="/b")),
        (Opened(page="p", url="/a"), Opened(page="q", url="/b")),
    ],
)
def test_only_one_page_s_own_streams_under_other_urls_live_beside_each_other(
    registry: TabRegistry, old: Opened, new: Opened
) -> None:
    register(registry, old, new)

    assert old.asked == [("replaced", new.entry.page)]


def numbered(page: str, sequence: int | None, url: str = "/feed") -> Opened:
    stream = Opened(page=page, url=url)
    stream.entry.sequence = sequence
    return stream


def test_stream_of_an_older_request_makes_way_for_the_newer_one_that_is_open(registry: TabRegistry) -> None:
    new, old = numbered("p2", 2), numbered("p1", 1)

    registry.expect(old.entry)
    register(registry, new)
    assert registry.register(old.entry, limit_per_scope=20) is new.entry
    assert (old.asked, new.asked) == ([("replaced", "p2")], [])
    assert [info.page for info in registry.snapshot()] == ["p2"]
    # It is not expected any more, either.
    assert registry.close("ann", reason=Reason.DONE) == 1
    assert old.asked == [("replaced", "p2")]


@pytest.mark.parametrize("sequence", [2, 3, None])
def test_stream_without_a_known_order_takes_the_place_of_the_older(registry: TabRegistry, sequence: int | None) -> None:
    first, second = numbered("p1", 2), numbered("p2", sequence)

    assert register(registry, first, second) == [True, True]
    assert (first.asked, second.asked) == ([("replaced", "p2")], [])


def test_newer_stream_whose_client_is_gone_keeps_no_place(registry: TabRegistry) -> None:
    gone, old = numbered("p2", 2), numbered("p1", 1)
    register(registry, gone)
    gone.must_end = True

    assert registry.register(old.entry, limit_per_scope=20) is old.entry
    assert [info.page for info in registry.snapshot()] == ["p1"]


def test_streams_of_one_page_live_together_and_leave_together(registry: TabRegistry) -> None:
    one, two, again = Opened(page="p", url="/1"), Opened(page="p", url="/2"), Opened(page="p", url="/1")
    assert register(registry, one, two, again) == [True, True, True]
    assert (one.asked, two.asked, again.asked) == ([("replaced", "p")], [], [])
    assert registry.count() == 1

    register(registry, next_page := Opened(page="q", url="/2"))

    assert (two.asked, again.asked, next_page.asked) == ([("replaced", "q")], [("replaced", "q")], [])
    assert len(registry.snapshot()) == 1


def test_other_tabs_and_other_scopes_are_left_alone(registry: TabRegistry) -> None:
    streams = [Opened("t"), Opened("u"), Opened("t", scope="bob")]
    register(registry, *streams)

    assert [stream.asked for stream in streams] == [[], [], []]
    assert registry.count() == 3


def test_full_scope_refuses_the_newcomer_and_changes_nothing(registry: TabRegistry) -> None:
    streams = [Opened("t"), Opened("u"), Opened("v"), Opened("v", scope="bob")]

    assert register(registry, *streams, limit=2) == [True, True, False, True]
    assert [stream.asked for stream in streams] == [[], [], [], []]
    assert register(registry, streams[2], limit=0) == [False]
    registry.release(streams[2].entry)
    assert [(info.scope, info.tab) for info in registry.snapshot()] == [("ann", "t"), ("ann", "u"), ("bob", "v")]


def test_refusal_leaves_no_empty_scope(registry: TabRegistry) -> None:
    assert register(registry, Opened(), limit=0) == [False]
    assert registry._streams.get().by_scope == {}


def test_others_are_those_of_other_tabs(registry: TabRegistry) -> None:
    register(registry, Opened("t"), Opened("u"))

    assert registry.expect(Opened("v").entry) == 2
    assert registry.expect(Opened(None).entry) == 2
    assert registry.expect(Opened("u").entry) == 1
    assert registry.expect(Opened("t", scope="bob").entry) == 0
    assert registry.count_of("ann", "u") == 1
    assert registry.count_of("ann", "v") == 0


def test_full_scope_lets_a_stream_take_the_place_of_its_own(registry: TabRegistry) -> None:
    streams = [Opened("t", page="p", url="/1"), Opened("t", page="p", url="/2"), Opened("t", page="p", url="/1")]

    assert register(registry, *streams, limit=2) == [True, True, True]
    assert register(registry, Opened("t", page="p", url="/3"), limit=2) == [False]


def test_registering_again_does_not_end_itself(registry: TabRegistry) -> None:
    stream = Opened()

    assert register(registry, stream, stream, limit=1) == [True, True]
    assert stream.asked == []
    registry.release(stream.entry)
    assert registry.count() == 0


def test_release_frees_this_very_entry_only(registry: TabRegistry) -> None:
    old, new, stranger = Opened(), Opened(), Opened("other")
    register(registry, old, new)

    registry.release(old.entry)
    registry.release(stranger.entry)
    assert registry.count() == 1
    registry.release(new.entry)
    registry.release(new.entry)
    assert registry.count() == 0


def test_release_leaves_the_page_s_other_streams(registry: TabRegistry) -> None:
    one, two = Opened(page="p", url="/1"), Opened(page="p", url="/2")
    register(registry, one, two)

    registry.release(one.entry)
    assert registry.count() == 1
    registry.release(two.entry)
    assert registry.count() == 0


def test_close_ends_a_scope_or_one_of_its_tabs(registry: TabRegistry) -> None:
    streams = [Opened("t"), Opened("u"), Opened("v"), Opened("t", scope="bob")]
    register(registry, *streams)

    assert registry.close("ann", "u", reason=Reason.RESTART) == 1
    assert registry.close("ann", "u", reason=Reason.RESTART) == 0
    assert registry.close("ann", reason=Reason.DONE) == 2
    assert registry.close("nobody", reason=Reason.DONE) == 0
    assert [stream.asked for stream in streams] == [[("done", None)], [("restart", None)], [("done", None)], []]
    assert registry.count() == 1


def test_scopes_are_of_streams_that_are_open(registry: TabRegistry) -> None:
    ann, second, bob = Opened(), Opened(tab="u"), Opened(scope="bob")
    register(registry, ann, second, bob)
    assert registry.scopes() == {"ann", "bob"}

    registry.release(ann.entry)
    registry.release(bob.entry)
    assert registry.scopes() == {"ann"}
    registry.release(second.entry)
    assert registry.scopes() == set()


def test_snapshot_shows_what_is_open(registry: TabRegistry) -> None:
    register(registry, Opened("t", page="p", opened_at=17.25))

    assert registry.snapshot() == [TabInfo("ann", "t", "p", "feed", 17.25)]
    with pytest.raises(FrozenInstanceError):
        registry.snapshot()[0].tab = "u"  # type: ignore[misc]


def test_stream_that_ends_may_use_the_registry(registry: TabRegistry) -> None:
    old = Opened()
    counts: list[int] = []

    def end(reason: Reason, page: str | None) -> None:
        registry.release(old.entry)
        counts.append(registry.count())

    old.end_as = end  # type: ignore[method-assign]
    register(registry, old, Opened())

    assert counts == [1]


def test_stream_that_cannot_be_asked_is_logged_and_the_others_end(
    registry: TabRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(reason: Reason, page: str | None) -> None:
        raise LookupError("gone")

    broken, other = Opened("t"), Opened("u")
    broken.end_as = fail  # type: ignore[method-assign]
    register(registry, broken, other)
    with caplog.at_level(logging.ERROR):
        assert registry.close("ann", reason=Reason.DONE) == 2

    assert other.asked == [("done", None)]
    assert "gone" in caplog.text
    assert "tab='t'" in caplog.text


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["open", "release", "close"]),
            st.sampled_from("ab"),
            st.sampled_from("xy"),
            st.sampled_from([None, "p", "q"]),
            st.sampled_from(["/1", "/2"]),
        ),
        max_size=40,
    )
)
def test_what_is_open_is_what_the_rules_say(steps: list[tuple[str, str, str, str | None, str]]) -> None:
    registry, limit = TabRegistry(), 3
    live: list[Opened] = []
    for act, scope, tab, page, url in steps:
        if act == "open":
            new = Opened(tab, page, url, scope)
            ends = [
                old
                for old in live
                if (old.entry.scope, old.entry.tab) == (scope, tab)
                and (page is None or old.entry.page != page or old.entry.url == url)
            ]
            stays = [old for old in live if old not in ends]
            fits = sum(old.entry.scope == scope for old in stays) < limit
            assert register(registry, new, limit=limit) == [fits]
            if fits:
                live = [*stays, new]
                assert all(old.asked == [("replaced", page)] for old in ends)
        elif act == "release":
            for old in [old for old in live if old.entry.tab == tab][:1]:
                registry.release(old.entry)
                live.remove(old)
        else:
            ended = [old for old in live if (old.entry.scope, old.entry.tab) == (scope, tab)]
            assert registry.close(scope, tab, reason=Reason.DONE) == len(ended)
            live = [old for old in live if old not in ended]
        assert all(old.asked == [] for old in live)
        assert registry.count() == len({(old.entry.scope, old.entry.tab) for old in live})
        shown = sorted((info.scope, info.tab, info.page or "") for info in registry.snapshot())
        assert shown == sorted((old.entry.scope, old.entry.tab, old.entry.page or "") for old in live)
