"""An element of a page, as a test gets it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class PageElement:
    """An element as it was when the test asked for it."""

    #: The tag, in lower case.
    tag: str
    #: The attributes by name.
    attributes: dict[str, str]
    #: The text that a person reads in it.
    text: str
    #: Its HTML, with its own tags.
    html: str = field(repr=False)
    #: The value of a field; None for other elements.
    value: str | list[str] | bool | None
    #: Whether a person sees it.
    is_visible: bool
    #: Whether it is disabled, by itself or by its fieldset.
    is_disabled: bool
    #: Whether it has the focus.
    has_focus: bool

    @property
    def id(self) -> str:
        """Its id; "" without one."""
        return self.attributes.get("id", "")

    @property
    def classes(self) -> set[str]:
        """Its classes."""
        return set(self.attributes.get("class", "").split())

    def __getitem__(self, name: str) -> str:
        """Return the value of an attribute.

        :raises KeyError: if it does not have it.
        """
        return self.attributes[name]
