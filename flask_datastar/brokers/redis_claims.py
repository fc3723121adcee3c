"""The values in Redis by which processes know of each other's clicks."""

from __future__ import annotations

from .redis_commands import Commands


class Claims:
    """Keys with a time, after which Redis drops them.

    :param prefix: what all keys of this app start with.
    """

    def __init__(self, commands: Commands, prefix: bytes) -> None:
        self._commands = commands
        self._prefix = prefix + b"once:"

    def claim(self, key: str, value: bytes, seconds: float) -> bytes | None:
        """Write a value unless there is one, in one round trip; a second one returns the value that is there.

        :raises BrokerError: if Redis does not respond.
        """
        name = self._name(key)
        while not self._commands.call("SET", name, value, "NX", "PX", _milliseconds(seconds)):
            found: bytes | None = self._commands.call("GET", name)
            # None: it was dropped between the two.
            if found is not None:
                return found
        return None

    def keep(self, key: str, value: bytes, seconds: float) -> None:
        """Write a value, without waiting."""
        self._commands.post("SET", self._name(key), value, "PX", _milliseconds(seconds))

    def drop(self, key: str) -> None:
        """Delete a value, without waiting."""
        self._commands.post("DEL", self._name(key))

    def look_up(self, key: str) -> bytes | None:
        """Return a value, or None.

        :raises BrokerError: if Redis does not respond.
        """
        found: bytes | None = self._commands.call("GET", self._name(key))
        return found

    def _name(self, key: str) -> bytes:
        return self._prefix + key.encode()


def _milliseconds(seconds: float) -> int:
    return max(1, int(seconds * 1000))
