"""Python literals as a formatter leaves them: with double quotes."""

from __future__ import annotations

from typing import Any


def literal(value: Any) -> str:
    """Return the literal of a value that came as JSON."""
    if isinstance(value, str):
        text = repr(value)
        return text if text[0] == '"' or '"' in text else f'"{text[1:-1]}"'
    if isinstance(value, dict):
        return f"{{{', '.join(f'{literal(name)}: {literal(item)}' for name, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    return repr(value)
