"""A model for another module to inherit from, which does not import what is named here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date as day
from typing import TypedDict


@dataclass
class Dated:
    when: day


class DatedDict(TypedDict):
    when: day


@dataclass(init=False)
class MadeByHand:
    when: day

    def __init__(self, when: day, until: day | None = None) -> None:
        self.when = until or when
