"""Attributes: which are mistakes, at which index, and which may be somebody else's."""

from __future__ import annotations

import re

import pytest

from flask_datastar.checks.attributes import Client, check_attribute
from flask_datastar.checks.client import ATTRIBUTES
from tests.checks.conftest import CheckSite

CLIENT = Client()


def problems(text: str, page: Client = CLIENT, has_action: bool = False) -> list[tuple[str, str]]:
    """Return the mistakes of an attribute as it is written: the text from its index on, and the message."""
    name, equals, value = text.partition("=")
    value = value.strip("\"'")
    found = check_attribute(name, value if equals else None, has_action, page)
    return [((value if one.is_in_value else name)[one.index :], one.text) for one in found]


@pytest.mark.parametrize(
    "text",
    [
        *["data-on:click='$count++'", "data-on:my-event__window='go()'", "data-on:datastar-fetch='$x = 1'"],
        *["data-on:input__debounce.500ms.leading__prevent='x'", "data-on:scroll__throttle.1s.noleading.trailing='x'"],
        *["data-on:keydown__debounce.1.5s='x'", "data-on:changed__case.camel='x'", "data-on:saved='x'"],
        *["data-bind:name", "data-bind='user.eMail'", "data-bind__prop.value__event.input.change='name'"],
        *["data-signals='{a: 1}'", "data-signals:first-name__ifmissing=\"''\"", "data-signals__ifmissing='{a: 1}'"],
        *[
            "data-class='{done: $x}'",
            "data-class:is-done__case.camel='$x'",
            "data-style:color='$c'",
            "data-attr='{x: 1}'",
        ],
        *[
            "data-init__delay.500ms='x'",
            "data-on-intersect__once__threshold.25='x'",
            "data-on-interval__duration.2s.leading='x'",
        ],
        *[
            "data-on-signal-patch__debounce.1s='x'",
            "data-on-signal-patch-filter='{include: /a/}'",
            "data-json-signals__terse",
        ],
        *["data-ignore", "data-ignore__self", "data-ignore-morph", "data-preserve-attr='open'", "data-nonce='x'"],
        *["data-text='@peek(() => $a)'", "data-effect='@setAll(1, {include: /x/})'", "data-on:click='@mine()'"],
        # Attributes of others.
        *["data-id=3", "data-test='open'", "data-kind='email'", "data-toggle='modal'", "data-theme='dark'"],
        *["data-text-color='red'", "data-class-name='x'", "data-ext='pdf'", "data-bin='1'", "data-signal='strong'"],
        *["data-hx-on:click='x'", "data-x-on:click='x'", "data-controller='menu'", "data-action='click->menu#open'"],
        *["data-animate='fade'", "data-price='$5'", "class='data-on-click'", "data-model='T3'"],
        # Names with computed parts.
        *["data-\ue000:click='$x'", "data-on:\ue000='$x'", "data-on:click__\ue000='$x'", "data-class:\ue000='$x'"],
        "data-on:click__debounce.\ue000='$x'",
    ],
)
def test_attribute_is_accepted(text: str) -> None:
    assert problems(text) == []


@pytest.mark.parametrize(
    ("text", "at", "says"),
    [
        ("data-onn:click='x'", "data-onn", "did you mean 'on'?"),
        ("data-foo:bar='x'", "data-foo", "accepted: attr, bind, class"),
        ("data-txt='$count'", "data-txt", "did you mean data-text?"),
        ("data-bnd='name'", "data-bnd", "did you mean data-bind?"),
        ("data-shwo='$x'", "data-shwo", "did you mean data-show?"),
        ("data-signal='{a: 1}'", "data-signal", "did you mean data-signals?"),
        ("data-click='@post(\"/x\")'", "data-click", "write data-on:click"),
        ("data-onclick='$x = 1'", "data-onclick", "write data-on:click"),
        ("data-star-on:click='x'", "data-star-on", "write data-on:click"),
        # From before v1.0
        ("data-on-click='x()'", "data-on-click", "write data-on:click"),
        ("data-on-load='$x = 1'", "data-on-load", "write data-init"),
        ("data-on:load='$x = 1'", "data-on:load", "write data-init"),
        ("data-signals-name='1'", "data-signals-name", "write data-signals:name"),
        ("data-bind-name", "data-bind-name", "write data-bind:name"),
        ("data-class-done='$x'", "data-class-done", "write data-class:done"),
        ("data-model='$name'", "data-model", "write data-bind"),
        ("data-on-keydown__debounce.1s='x'", "data-on-keydown", "write data-on:keydown"),
        # Keys and values
        ("data-text:count='$x'", "text:count", "takes none"),
        ("data-on='x'", "data-on", "lacks its key"),
        ("data-bind", "data-bind", "neither a key nor a value"),
        ("data-ref:a='b'", "data-ref:a", "both a key and a value"),
        ("data-show", "data-show", "has no value"),
        ("data-on:click", "data-on:click", "has no value"),
        ("data-bind:firstName", "firstName", "write data-bind:first-name"),
        ("data-on:sumbit='x'", "sumbit", "did you mean 'submit'?"),
        ("data-on:clickk='x'", "clickk", "did you mean 'click'?"),
        ("data-on:input.debounce.1s='x'", ".debounce", "write data-on:input__debounce.1s"),
        ("data-on:input.debounce_500ms='x'", ".debounce", "write data-on:input__debounce.500ms"),
        ("data-on:datastar-fecth='x'", "datastar-fecth", "did you mean 'datastar-fetch'?"),
        # Modifiers
        ("data-on:click__prevnt='x'", "prevnt", "did you mean prevent?"),
        ("data-text__once='$x'", "once", "accepted: none"),
        ("data-on:input__debounce='x'", "debounce", "has no tag"),
        ("data-on:input__debounce.fast='x'", "fast", "a time such as 500ms or 1s, leading, notrailing"),
        ("data-on:input__debounce.1s.trailing='x'", "trailing", "did you mean 'notrailing'?"),
        ("data-on:click__once.1s='x'", "1s", "accepted: no tags"),
        ("data-class:x__case.upper='$x'", "upper", "camel, kebab, snake, pascal"),
        ("data-init__duration.1s='x'", "duration", "accepted: __delay, __viewtransition"),
        # Pro, and actions
        ("data-persist", "data-persist", "Datastar Pro"),
        ("data-animate='$x'", "data-animate", "Datastar Pro"),
        ("data-on:click='$a; @pst(\"/x\")'", "@pst", "did you mean 'post'?"),
        ("data-on:click='@clipboard($x)'", "@clipboard", "Datastar Pro"),
    ],
)
def test_mistake_is_found(text: str, at: str, says: str) -> None:
    ((found, message),) = problems(text)

    assert found.startswith(at)
    assert says in message


def test_strings_in_expressions_are_not_read() -> None:
    assert problems("data-on:click=$mail = `pst@pst(x)` + '@pst(1)' /* @pst(2) */") == []


def test_an_action_of_the_extension_is_evidence() -> None:
    assert problems("data-clik='\ue000'") == []
    ((_, message),) = problems("data-txet='\ue000'", has_action=True)
    assert "data-text" in message


def test_other_clients_have_other_attributes() -> None:
    pro = Client(is_pro=True)
    aliased = Client(prefix="data-star-")

    assert problems("data-persist", pro) == problems("data-tooltip:top='x'", Client(own=frozenset({"tooltip"}))) == []
    assert problems("data-on-click='x'", aliased) == []
    ((found, _),) = problems("data-star-on-click='x'", aliased)
    assert found == "data-star-on-click"


def test_every_tag_of_a_modifier_has_words_for_messages() -> None:
    patterns = {tag for attribute in ATTRIBUTES.values() for tag in attribute.modifiers.values() if tag}

    for pattern in patterns - {".+"}:
        re.compile(pattern)
        ((_, message),) = [
            found
            for name, attribute in ATTRIBUTES.items()
            for label, accepted in attribute.modifiers.items()
            if accepted == pattern
            for found in problems(f"data-{name}{':x' if attribute.key == 'must' else ''}__{label}.???='x'")
        ][:1]
        assert "accepted: no tags" not in message


@pytest.mark.parametrize(
    "html",
    [
        "<div data-ignore><p data-bind='text: name'><br data-on-click='$x'></p></div>",
        "<div data-ignore='' data-on-click='$x'><div></div><p data-on-click='$x'></p></div>",
        "<div data-ignore>{% if x %}<div>{% endif %}<p data-on-click='$x'></p>",
        "<input data-ignore data-on-click='$x'>",
        "<p data-ignore__self data-on-click='$x'></p>",
    ],
)
def test_what_the_client_ignores_is_left_alone(check_site: CheckSite, html: str) -> None:
    assert check_site(page=html) == []
    assert check_site(f"x = {html.replace('{% if x %}<div>{% endif %}', '')!r}") == []
    assert check_site(page=html.replace("data-ignore", "data-id")) != []


@pytest.mark.parametrize(
    "html",
    [
        "<div data-ignore><div></div></div><p ‸data-on-click='$x'>",
        "<div data-ignore><br></div><p ‸data-on-click='$x'>",
        "<input data-ignore><p ‸data-on-click='$x'>",
        "<p data-ignore__self><b ‸data-on-click='$x'></b></p>",
        "<p data-ignore-morph><b ‸data-on-click='$x'></b></p>",
    ],
)
def test_what_follows_what_the_client_ignores_is_checked(check_site: CheckSite, html: str) -> None:
    found = check_site(page=html)

    assert found.places == found.expected
