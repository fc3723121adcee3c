"""Values of models as JSON has them, in the form that they are read in again."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import date, time
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID


def to_plain(value: Any) -> Any:
    """Give a value as signals have it. None becomes "", because null would remove the signal in the browser."""
    if value is None:
        return ""
    if isinstance(value, Enum):
        return to_plain(value.value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, UUID | Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return {str(to_plain(name)): to_plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_plain(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if hasattr(type(value), "model_dump"):
        return to_plain(value.model_dump(mode="json", by_alias=True))
    if hasattr(type(value), "__struct_fields__"):
        names = zip(type(value).__struct_fields__, type(value).__struct_encode_fields__, strict=True)
        return {signal: to_plain(getattr(value, name)) for name, signal in names}
    return value
