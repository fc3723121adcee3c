"""Keys of a keyboard, by the names that ``KeyboardEvent.key`` has for them."""

from __future__ import annotations

import difflib

_MODIFIERS = {"Control": "ctrlKey", "Shift": "shiftKey", "Alt": "altKey", "Meta": "metaKey"}
_NAMES = frozenset(
    (
        *("Alt", "AltGraph", "ArrowDown", "ArrowLeft", "ArrowRight", "ArrowUp", "AudioVolumeDown", "AudioVolumeMute"),
        *("AudioVolumeUp", "Backspace", "BrowserBack", "BrowserForward", "BrowserHome", "BrowserRefresh"),
        *("BrowserSearch", "BrowserStop", "CapsLock", "Clear", "Compose", "ContextMenu", "Control", "Convert", "Copy"),
        *("Cut", "Dead", "Delete", "End", "Enter", "Escape", "Find", "Fn", "Help", "Home", "Insert", "MediaPlayPause"),
        *("MediaStop", "MediaTrackNext", "MediaTrackPrevious", "Meta", "NonConvert", "NumLock", "PageDown", "PageUp"),
        *("Paste", "Pause", "PrintScreen", "Process", "Redo", "ScrollLock", "Select", "Shift", "Tab", "Undo"),
        *("Unidentified", *(f"F{number}" for number in range(1, 25))),
    )
)
#: Names of other libraries, of old browsers, and on keyboards.
_OTHER_NAMES = {
    "Cmd": "Meta",
    "Command": "Meta",
    "Ctrl": "Control",
    "Del": "Delete",
    "Down": "ArrowDown",
    "Esc": "Escape",
    "Left": "ArrowLeft",
    "Option": "Alt",
    "Return": "Enter",
    "Right": "ArrowRight",
    "Space": " ",
    "Spacebar": " ",
    "Up": "ArrowUp",
    "Win": "Meta",
}


def parse_key(key: str) -> tuple[str, dict[str, bool]]:
    """Return the name of a key, and which modifiers are held, by their fields of a ``KeyboardEvent``.

    :param key: such as ``"Enter"``, ``"a"`` or ``"Control+Shift+k"``.
    :raises ValueError: if a keyboard has no such key, or no such modifier; it says the nearest one.
    """
    # "+" is a key as well.
    before, _, name = key[:-1].rpartition("+") if len(key) > 1 else ("", "", "")
    name += key[-1:]
    modifiers = before.split("+") if before else []
    for one in modifiers:
        if one not in _MODIFIERS:
            raise ValueError(
                f"key is {key!r}: {one!r} is not a modifier; accepted: {', '.join(_MODIFIERS)}{_near(one)}"
            )
    if len(name) != 1 and name not in _NAMES:
        raise ValueError(
            f"key is {key!r}: no keyboard has {name!r}; accepted: one character, or a name of KeyboardEvent.key, such "
            f"as Enter, Escape, ArrowDown{_near(name)}"
        )
    return name, {field: modifier in modifiers for modifier, field in _MODIFIERS.items()}


def _near(name: str) -> str:
    others = {one.lower(): found for one, found in _OTHER_NAMES.items()} | {one.lower(): one for one in _NAMES}
    near = difflib.get_close_matches(name.lower(), others, n=1, cutoff=0.5)
    return f"; the nearest is {others[near[0]]!r}" if near else ""
