"""The channels of topics."""

from __future__ import annotations

from flask_datastar.hub.scopes import INTERNAL_TOPICS, channel_of, scope_topic


def test_topics_of_the_extension_have_channels_of_their_own() -> None:
    for topic in INTERNAL_TOPICS:
        assert channel_of(topic) == topic


def test_the_topics_of_a_person_share_a_channel() -> None:
    assert channel_of(scope_topic("7", "tab")) == channel_of(scope_topic("7")) == scope_topic("7")
    assert channel_of("news") == "news"


def test_no_person_is_taken_for_the_extension() -> None:
    assert not INTERNAL_TOPICS & {scope_topic(""), scope_topic("regions"), scope_topic("r", "egions")}
