"""The index of entries by topic and person, which knows when the list of a topic has changed."""

from __future__ import annotations

from collections.abc import Callable

from .entries import Entry, PageKey, Person, Seen

#: The process of an entry, and the entry's number there.
EntryKey = tuple[str, int]


class People:
    """The entries of all processes by topic and person."""

    def __init__(self) -> None:
        self._topics: dict[str, dict[Person, dict[EntryKey, Entry]]] = {}
        #: The entries that pages keep, by tab.
        self._kept: dict[str, dict[EntryKey, Entry]] = {}
        #: Topic → its list, until the topic changes.
        self._lists: dict[str, tuple[Seen, ...]] = {}
        #: The topics whose lists have changed since they were last taken.
        self.changed: set[str] = set()

    def put(self, key: EntryKey, entry: Entry) -> None:
        """Add an entry, or replace one at the same topic of the same person."""
        before = self._look(entry.topic, entry.person)
        self._topics.setdefault(entry.topic, {}).setdefault(entry.person, {})[key] = entry
        if entry.page:
            self._keep(key, entry)
        self._compare(entry, before)

    def drop(self, key: EntryKey, entry: Entry) -> None:
        """Remove an entry."""
        before = self._look(entry.topic, entry.person)
        people = self._topics[entry.topic]
        entries = people[entry.person]
        del entries[key]
        if not entries:
            del people[entry.person]
            if not people:
                del self._topics[entry.topic]
        self._release(key, entry)
        self._compare(entry, before)

    def seen(self, topic: str) -> tuple[Seen, ...]:
        """List the people at a topic in the order of their arrival; the same object until the list changes."""
        found = self._lists.get(topic)
        if found is None:
            people = self._topics.get(topic)
            if not people:
                return ()
            # The person is compared where two came at the same moment, so that all processes have one order.
            shown = [(person, _seen(entries)) for person, entries in people.items()]
            shown.sort(key=lambda item: (item[1].since, item[0]))
            found = self._lists[topic] = tuple(seen for _, seen in shown)
        return found

    def entries_of(self, topic: str, person: Person) -> dict[EntryKey, Entry]:
        """Return the entries of one person at a topic."""
        return self._topics.get(topic, {}).get(person, {})

    def kept_for(self, page: PageKey) -> list[Entry]:
        """List the entries that a page keeps, in all processes."""
        found = sorted(self._kept.get(page[1], {}).items())
        return [entry for _, entry in found if entry.page_key == page]

    def dismiss(self, is_meant: Callable[[Entry], bool], tab: str | None) -> None:
        """Make pages keep some entries no longer: those of a tab, or of all tabs.

        Their process ends them. If it is dead, nobody does, and the page must not bring them back.
        """
        tabs = list(self._kept) if tab is None else [tab]
        found = [item for name in tabs for item in self._kept.get(name, {}).items()]
        for key, entry in found:
            if is_meant(entry):
                self._release(key, entry)

    def _keep(self, key: EntryKey, entry: Entry) -> None:
        """Make a page keep an entry, and no older one at the topic: what the page has taken elsewhere is over there."""
        kept = self._kept.setdefault(entry.tab, {})
        same = [one for one in kept.items() if (one[1].page_key, one[1].topic) == (entry.page_key, entry.topic)]
        if all(one.stamp <= entry.stamp for _, one in same):
            for other, _ in same:
                del kept[other]
            kept[key] = entry

    def _release(self, key: EntryKey, entry: Entry) -> None:
        kept = self._kept.get(entry.tab)
        if kept is not None and kept.pop(key, None) is not None and not kept:
            del self._kept[entry.tab]

    def count(self) -> tuple[int, int]:
        """Count the topics, and the people at them; a person at two topics counts twice."""
        return len(self._topics), sum(map(len, self._topics.values()))

    def _look(self, topic: str, person: Person) -> Seen | None:
        entries = self.entries_of(topic, person)
        return _seen(entries) if entries else None

    def _compare(self, entry: Entry, before: Seen | None) -> None:
        if self._look(entry.topic, entry.person) != before:
            self.changed.add(entry.topic)
            self._lists.pop(entry.topic, None)


def _seen(entries: dict[EntryKey, Entry]) -> Seen:
    """Return one person as the entries show them: since the first came, with the newest data."""
    _, newest = max(entries.items(), key=lambda item: (item[1].stamp, item[0]))
    since = min(entry.since for entry in entries.values())
    return Seen(newest.scope, len({entry.tab for entry in entries.values()}), since, newest.data)
