"""Values of models as JSON has them, in the form in which they are read."""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID


def to_plain(value: Any) -> Any:
    """Return a value as signals have it. None becomes "", because null would remove the signal in the browser."""
    if value is None:
        return ""
    if isinstance(value, Enum):
        return to_plain(value.value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, UUID | Decimal):
        return str(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Mapping):
        return {str(to_plain(name)): to_plain(item) for name, item in value.items()}
    if isinstance(value, AbstractSet):
        # In the same order in each process.
        return sorted(map(to_plain, value), key=repr)
    if isinstance(value, list | tuple | deque):
        return [to_plain(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if hasattr(type(value), "model_dump"):
        return to_plain(value.model_dump(mode="json", by_alias=True))
    if hasattr(type(value), "__struct_fields__"):
        names = zip(type(value).__struct_fields__, type(value).__struct_encode_fields__, strict=True)
        return {signal: to_plain(getattr(value, name)) for name, signal in names}
    return value
