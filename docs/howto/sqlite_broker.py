"""A broker on a SQLite file, for several workers on one host without Redis.

Every process reads one table twenty times a second. The row numbers are the order of messages for all processes.
"""

import sqlite3
import threading
import time
import uuid
from contextlib import suppress

from flask_datastar.brokers import Broker, Payload
from flask_datastar.errors import BrokerError

LOOK_SECONDS, KEPT_SECONDS, BEAT_SECONDS, ALIVE_SECONDS = 0.05, 60, 5, 20

TABLES = """
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = OFF;
    CREATE TABLE IF NOT EXISTS messages (
        number INTEGER PRIMARY KEY AUTOINCREMENT, at REAL, process TEXT, channel BLOB, topic BLOB, kind TEXT,
        last_id TEXT, data BLOB);
    CREATE TABLE IF NOT EXISTS streams (process TEXT, scope BLOB, tab TEXT, streams INTEGER);
    CREATE TABLE IF NOT EXISTS processes (process TEXT PRIMARY KEY, seen REAL);
"""
ELSEWHERE = "FROM streams JOIN processes USING (process) WHERE process != ? AND seen > ?"


class SqliteBroker(Broker):
    """``sqlite:///absolute/path``. Each namespace has a file of its own, so apps stay separate."""

    is_shared = True

    def __init__(self, url, receiver, options):
        super().__init__(url, receiver, options)
        self._process = uuid.uuid4().hex
        self._path = f"{url.removeprefix('sqlite://')}.{options.namespace}"
        self._lock = threading.RLock()
        self._connection = None
        self._is_looking = False
        self._has_missed = False  # the file could not be used
        self._beaten_at = 0.0
        self._last = 0  # the number of the last message that was read
        self._since = {}  # channel → the number after which its messages are delivered here
        self._delivered = set()  # numbers of own messages that were delivered at once, out of turn
        self._closed = threading.Event()

    def publish(self, channel, topic, kind, payload, *, waits=True):
        message = time.time(), self._process, _bytes(channel), _bytes(topic), kind, payload.last_id, payload.data
        with self._lock:
            is_due_now, error = waits and channel not in self._since, None
            try:
                number = self._write("INSERT INTO messages VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)", *message).lastrowid
                self._delivered |= {number} if is_due_now else set()
            except BrokerError as failure:
                is_due_now, error = waits, failure
        if is_due_now:
            self.receiver.receive(topic, kind, payload)
        if error is not None and waits:
            raise error

    def subscribe(self, channel):
        with self._lock, suppress(BrokerError):
            if channel not in self._since:
                self._since[channel] = self._last
                self._since[channel] = self._newest()

    def unsubscribe(self, channel):
        with self._lock:
            self._since.pop(channel, None)

    def note_streams(self, scope, tab, streams):
        key = (self._process, _bytes(scope), tab or "")
        with self._lock, suppress(BrokerError):
            self._write("DELETE FROM streams WHERE process = ? AND scope = ? AND tab = ?", *key)
            if streams:
                self._write("INSERT INTO streams VALUES (?, ?, ?, ?)", *key, streams)
                self._beat()

    def count_elsewhere(self, scope, tab):
        wanted = f"SELECT total(streams) {ELSEWHERE} AND scope = ? AND (tab = '' OR tab IS NOT ?)"
        try:
            return int(self._read(wanted, *self._others(), _bytes(scope), tab)[0][0])
        except BrokerError:
            return 0

    def count_and_number(self, scope, tab):
        number = None
        with suppress(BrokerError):
            # A message on no channel: the rows number the requests, too.
            number = self._write("INSERT INTO messages (at, channel) VALUES (?, x'')", time.time()).lastrowid
        return self.count_elsewhere(scope, tab), number

    def count_tabs_elsewhere(self):
        return self._read(f"SELECT count(*) {ELSEWHERE} AND tab != ''", *self._others())[0][0]

    def scopes_elsewhere(self):
        return {_text(scope) for (scope,) in self._read(f"SELECT DISTINCT scope {ELSEWHERE}", *self._others())}

    def close(self):
        with self._lock, suppress(BrokerError):
            if self._connection is not None and not self._closed.is_set():
                self._write("DELETE FROM streams WHERE process = ?", self._process)
                self._write("DELETE FROM processes WHERE process = ?", self._process)
                self._connection.close()
            self._closed.set()

    def _open(self):
        """Open the file at first use, which is after the fork."""
        if self._closed.is_set():
            raise BrokerError("the broker is closed")
        if not self._is_looking:
            # The thread tries again if the file cannot be opened yet.
            self._is_looking = True
            threading.Thread(target=self._poll, daemon=True).start()
        if self._connection is None:
            connection = sqlite3.connect(
                self._path, self.options.timeout_seconds, check_same_thread=False, isolation_level=None
            )
            connection.executescript(TABLES)
            self._connection = connection
            self._last = self._newest()
        return self._connection

    def _write(self, statement, *values):
        with self._lock:
            try:
                return self._open().execute(statement, values)
            except sqlite3.Error as error:
                self._has_missed = True
                raise BrokerError(f"the broker's file cannot be used: {error}") from error

    def _read(self, statement, *values):
        with self._lock:
            return self._write(statement, *values).fetchall()

    def _newest(self):
        return self._read("SELECT coalesce(max(seq), 0) FROM sqlite_sequence")[0][0]

    def _others(self):
        return self._process, time.time() - ALIVE_SECONDS

    def _beat(self):
        """Announce that this process is alive, and remove old rows."""
        now = self._beaten_at = time.time()
        self._write("REPLACE INTO processes VALUES (?, ?)", self._process, now)
        self._write("DELETE FROM messages WHERE at < ?", now - KEPT_SECONDS)
        self._write("DELETE FROM streams WHERE process IN (SELECT process FROM processes WHERE seen < ?)", now - 60)
        self._write("DELETE FROM processes WHERE seen < ?", now - 60)

    def _poll(self):
        while not self._closed.wait(LOOK_SECONDS):
            try:
                with self._lock:
                    if time.time() - self._beaten_at > BEAT_SECONDS:
                        self._beat()
                    found = [message for message in self._take_new() if self._is_for_here(*message[:3])]
                    has_missed, self._has_missed = self._has_missed, False
            except BrokerError:
                continue
            for _, _, _, topic, kind, last_id, data in found:
                self.receiver.receive(_text(topic), kind, Payload(data, last_id))
            if has_missed:
                self.receiver.catch_up()

    def _take_new(self):
        wanted = "SELECT number, process, channel, topic, kind, last_id, data FROM messages WHERE number > ? ORDER BY 1"
        rows = self._read(wanted, self._last)
        self._last = rows[-1][0] if rows else self._last
        return rows

    def _is_for_here(self, number, process, channel):
        if process == self._process:
            is_delivered = number in self._delivered
            self._delivered.discard(number)
            return not is_delivered
        return number > self._since.get(_text(channel), number)


def _bytes(text):
    """Encode a name as bytes: a topic may contain lone surrogates."""
    return text.encode("utf-8", "surrogatepass")


def _text(data):
    return data.decode("utf-8", "surrogatepass")
