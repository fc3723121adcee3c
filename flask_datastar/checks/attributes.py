"""The check of ``data-`` attributes: names, keys, values, modifiers, and the syntax of earlier versions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from . import client
from .expressions import EVIDENCE, actions, object_keys
from .findings import did_you_mean, is_typo, nearest
from .fragments import BRANCH, GAP

#: A name of the client's in an advice, without those that have an aliased bundle's prefix already.
_ADVISED = re.compile(r"(?<![\w-])data-(?!star-)")
_UPPER = re.compile(r"[A-Z]")


@dataclass(frozen=True)
class Problem:
    """A mistake in one attribute."""

    #: Its index in the name, or in the value.
    index: int
    text: str
    is_in_value: bool = False


@dataclass(frozen=True)
class Client:
    """The client that an app loads, as far as attributes are concerned."""

    #: ``data-``, or that of an aliased bundle.
    prefix: str = "data-"
    is_pro: bool = False
    #: Names of attributes that the app's own plugins add.
    own: frozenset[str] = frozenset()


def check_attribute(name: str, value: str | None, has_action: bool, page: Client) -> Iterator[Problem]:
    """Yield the mistakes of one attribute.

    :param value: as it is written, with gaps for computed parts; None without one.
    :param has_action: whether a computed part of the value is an action of the extension.
    """
    for problem in _problems(name, value, has_action, page) if name.lower().startswith(page.prefix) else ():
        yield replace(problem, text=_ADVISED.sub(page.prefix, problem.text))


def _problems(name: str, value: str | None, has_action: bool, page: Client) -> Iterator[Problem]:
    start = len(page.prefix)
    base, *modifiers = name[start:].split("__")
    plugin, colon, key = base.partition(":")
    is_expression = has_action or bool(EVIDENCE.search(value or ""))
    lower = plugin.lower()
    if GAP in plugin or BRANCH in name or lower in page.own or client.FOREIGN.match(base.lower()):
        return
    old = _old_syntax(base.lower(), bool(modifiers), value, is_expression)
    if old is not None:
        yield Problem(0, f"{name} is syntax from before v1.0, which the client ignores; {old}")
        return
    if lower in client.PRO and not page.is_pro:
        if colon or is_expression or modifiers or lower in ("persist", "scroll-into-view", "on-raf", "on-resize"):
            yield Problem(
                0, f"{name} is an attribute of Datastar Pro, which the free client ignores; remove it, or use Pro"
            )
        return
    attribute = client.ATTRIBUTES.get(lower)
    if attribute is None:
        if text := _unknown(name, lower, bool(colon), modifiers, value, is_expression):
            yield Problem(0, text)
        return
    yield from _check_key(name, start, lower, key, value, attribute)
    yield from _check_modifiers(name, start + len(base), lower, modifiers, attribute)
    if value and lower not in ("preserve-attr", "ignore", "ignore-morph", "nonce", "bind", "ref", "indicator"):
        yield from _check_actions(value)


def _old_syntax(base: str, has_modifiers: bool, value: str | None, is_expression: bool) -> str | None:
    """Return advice for the syntax of earlier versions, None for today's."""
    if base in client.OLD_ATTRIBUTES and (is_expression or base not in ("model", "store")):
        return f"write {client.OLD_ATTRIBUTES[base]}"
    if base in client.ATTRIBUTES or base in client.PRO:
        return None
    match = client.HYPHENATED.fullmatch(base)
    if match is None or ":" in match[1]:
        return None
    plugin, key = match[1], match[2].partition(":")[0]
    if any(base.startswith(f"{known}:") for known in client.ATTRIBUTES) or f"{plugin}-{key}" in client.ATTRIBUTES:
        return None
    is_event = plugin == "on" and (key.partition(".")[0] in client.EVENTS or key.startswith("datastar-"))
    is_bare = value in (None, "") and plugin in ("bind", "indicator", "ref")
    near = nearest(f"{plugin}-{key}", [name for name in client.ATTRIBUTES if "-" in name], 0.85)
    if near is not None and not is_event:
        return None
    if is_event or is_bare or is_expression or has_modifiers or plugin in ("signals", "computed", "indicator"):
        return f"write data-{plugin}:{key.replace('.', '__')}"
    return None


def _unknown(
    name: str, plugin: str, has_key: bool, modifiers: list[str], value: str | None, is_expression: bool
) -> str | None:
    """Return what is wrong with an attribute that the client does not know, None if it may be somebody else's."""
    known = ", ".join(sorted(client.ATTRIBUTES))
    if plugin.startswith("star-"):
        return f"{name} is for the client's aliased bundle, which this app does not load; write data-{name[10:]}"
    near = nearest(plugin, client.ATTRIBUTES, 0.7)
    if plugin in client.EVENTS and is_expression:
        return f"{name} is not an attribute of the client; write data-on:{plugin}"
    if plugin.startswith("on") and plugin[2:] in client.EVENTS:
        return f"{name} is not an attribute of the client; write data-on:{plugin[2:]}"
    if has_key or any(part.partition(".")[0] in _ALL_MODIFIERS for part in modifiers):
        return f"{name} is not an attribute of the client; accepted: {known}{did_you_mean(plugin, client.ATTRIBUTES)}"
    typos = [meant for meant in client.ATTRIBUTES if is_typo(plugin, meant)]
    looks_like_one = is_expression or (value is not None and bool(object_keys(value)))
    meant = typos[0] if typos and value not in (None, "") and plugin not in _WORDS else near if looks_like_one else None
    if meant is not None:
        return f"{name} is not an attribute of the client; did you mean data-{meant}?"
    return None


def _check_key(
    name: str, start: int, plugin: str, key: str, value: str | None, attribute: client.Attribute
) -> Iterator[Problem]:
    has_value = value not in (None, "")
    if key and attribute.key == "denied":
        yield Problem(start, f'{name} has the key {key!r}, but data-{plugin} takes none; write data-{plugin}="…"')
    elif not key and attribute.key == "must":
        yield Problem(0, f"{name} lacks its key; write data-{plugin}:<event>, such as data-{plugin}:click")
    elif attribute.key == "exclusive" and bool(key) == has_value:
        both = "both a key and a value" if key else "neither a key nor a value"
        yield Problem(0, f'{name} has {both}; give the signal\'s name in one of them, as in data-{plugin}="name"')
    elif not has_value and attribute.value == "must":
        yield Problem(0, f"{name} has no value; write an expression")
    if not key or GAP in key:
        return
    key_start = start + len(plugin) + 1
    event = key.partition(".")[0]
    tail = key.partition(".")[2]
    if plugin == "on" and re.split(r"[._]", tail)[0] in _ALL_MODIFIERS:
        wanted = f"data-on:{event}__{tail.replace('_', '.')}"
        yield Problem(key_start + len(event), f"{name} has a modifier after a dot; write {wanted}")
    elif plugin == "on" and (meant := [one for one in client.EVENTS if len(one) > 4 and is_typo(event.lower(), one)]):
        yield Problem(
            key_start,
            f"{name} waits for {event!r}, which neither browsers nor the client send; did you mean {meant[0]!r}?",
        )
    elif attribute.names_signal and _UPPER.search(key):
        dashed = re.sub(r"(?<!^)([A-Z])", r"-\1", key).lower()
        yield Problem(
            key_start,
            f"{name} means the signal ${key.lower()}, because HTML has no upper case in names; for ${key} write "
            f"data-{plugin}:{dashed}",
        )


def _check_modifiers(
    name: str, index: int, plugin: str, modifiers: list[str], attribute: client.Attribute
) -> Iterator[Problem]:
    for modifier in modifiers:
        index += 2
        label, *tags = modifier.lower().split(".")
        if GAP not in label and label not in attribute.modifiers:
            known = ", ".join(f"__{one}" for one in attribute.modifiers) or "none"
            near = did_you_mean(label, attribute.modifiers).replace("'", "")
            yield Problem(index, f"data-{plugin} does not have the modifier __{label}; accepted: {known}{near}")
        elif GAP not in label:
            yield from _check_tags(index + len(label), plugin, label, tags, attribute.modifiers[label])
        index += len(modifier)


def _check_tags(index: int, plugin: str, label: str, tags: list[str], accepted: str | None) -> Iterator[Problem]:
    for position, tag in enumerate(tags):
        index += 1
        is_fraction = position > 0 and tag[:1].isdigit() and tags[position - 1].isdigit()
        if GAP not in tag and not is_fraction and (accepted is None or not re.fullmatch(accepted, tag)):
            known = client.TAGS.get(accepted or "", "no tags")
            text = f"__{label} of data-{plugin} has the tag {tag!r}; accepted: {known}"
            yield Problem(index, text + did_you_mean(tag, re.findall(r"[a-z]{5,}", accepted or "")))
        index += len(tag)
    if not tags and accepted is not None and label in ("debounce", "throttle", "delay", "duration", "threshold"):
        yield Problem(index - len(label), f"__{label} of data-{plugin} has no tag; accepted: {client.TAGS[accepted]}")


def _check_actions(value: str) -> Iterator[Problem]:
    for name, index, _ in actions(value):
        if name in client.PRO_ACTIONS:
            yield Problem(index, f"@{name}() is an action of Datastar Pro, which the free client does not have", True)
        elif name not in client.ACTIONS and not _knows_own(name):
            known = ", ".join(f"@{one}" for one in sorted(client.ACTIONS))
            near = did_you_mean(name, client.ACTIONS)
            yield Problem(index, f"@{name}() is not an action of the client; accepted: {known}{near}", True)


def _knows_own(name: str) -> bool:
    """Return whether an action can be one of the app's own plugins: its name is like none of the client's."""
    return nearest(name, client.ACTIONS, 0.6) is None


_ALL_MODIFIERS = frozenset(label for attribute in client.ATTRIBUTES.values() for label in attribute.modifiers)
#: Words that are a typo of an attribute's name by chance.
_WORDS = frozenset({"signal", "re", "bin", "bid", "ind", "ext", "int", "nit", "how", "sow", "ref", "n", "o"})
