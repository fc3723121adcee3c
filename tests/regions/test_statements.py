"""SQL statements: the words that they mention, and the tables that they write."""

from __future__ import annotations

import pytest

from flask_datastar.regions.statements import read_statement, table_word


def written(text: str) -> set[tuple[str, str]] | None:
    writes = read_statement(text).writes
    return None if writes is None else set(writes)


@pytest.mark.parametrize(
    ("text", "writes"),
    [
        ("INSERT INTO card (title) VALUES (?)", {("card", "insert")}),
        ("insert into\n\tcard values (?)", {("card", "insert")}),
        ('INSERT INTO "Card" ("from") VALUES (:a)', {("card", "insert")}),
        ("INSERT INTO public.card VALUES (1)", {("card", "insert")}),
        ('INSERT INTO main."card" VALUES (1)', {("card", "insert")}),
        ("INSERT INTO [dbo].[card] VALUES (1)", {("card", "insert")}),
        ("INSERT INTO `card` VALUES (1)", {("card", "insert")}),
        ("INSERT INTO card SELECT * FROM board", {("card", "insert")}),
        ("INSERT OR IGNORE INTO card VALUES (1)", {("card", "insert")}),
        ("INSERT IGNORE INTO card VALUES (1)", {("card", "insert")}),
        ("INSERT OR REPLACE INTO card VALUES (1)", {("card", "any")}),
        ("REPLACE INTO card VALUES (1)", {("card", "any")}),
        ("INSERT INTO card VALUES (1) ON CONFLICT (id) DO UPDATE SET title = excluded.title", {("card", "any")}),
        ("INSERT INTO card VALUES (1) ON DUPLICATE KEY UPDATE title = VALUES(title)", {("card", "any")}),
        ("INSERT INTO card VALUES (1) RETURNING id", {("card", "insert")}),
        ("UPDATE card SET title = 'x' WHERE id = 3", {("card", "update")}),
        ("UPDATE ONLY card SET title = 'x'", {("card", "update")}),
        ("UPDATE OR REPLACE card SET id = 3", {("card", "update"), ("or", "update"), ("replace", "update")}),
        ("UPDATE card AS c SET title = b.title FROM board b", {("card", "update"), ("as", "update"), ("c", "update")}),
        ("UPDATE card, board SET card.title = board.title", {("card", "update"), ("board", "update")}),
        ("DELETE FROM card", {("card", "delete")}),
        ("DELETE FROM ONLY card USING board WHERE card.b = board.id", {("card", "delete")}),
        ("TRUNCATE card, board CASCADE", {("card", "any"), ("board", "any"), ("cascade", "any")}),
        ("TRUNCATE TABLE card", {("card", "any"), ("table", "any")}),
        ("MERGE INTO card USING new ON card.id = new.id WHEN MATCHED THEN UPDATE SET title = 'x'", {("card", "any")}),
        ("WITH gone AS (DELETE FROM card RETURNING *) INSERT INTO old SELECT * FROM gone", None),
        ("EXPLAIN ANALYZE DELETE FROM card", {("card", "delete")}),
        ("/* a comment: */ UPDATE card SET title = ?", {("card", "update")}),
        ("-- delete from board\nUPDATE card SET title = ?", {("card", "update")}),
        ("UPDATE card SET title = 'delete from board'", {("card", "update")}),
        ('UPDATE "order items" SET a = 1', {("order", "update")}),
        ("DELETE c FROM card c JOIN board b ON b.id = c.b WHERE b.id = 3", {("card", "delete"), ("board", "delete")}),
        ("UPDATE `card` SET `title` = 'x' WHERE `id` = 3", {("card", "update")}),
        ("UPDATE `shop`.`card` SET title = 'it\\'s'", {("card", "update")}),
        ("UPDATE `card` JOIN `board` ON board.id = card.b SET card.n = 1", {("card", "update"), ("board", "update")}),
        ("UPDATE LOW_PRIORITY IGNORE card SET n = 1", {("card", "update")}),
        ("DELETE FROM `shop`.`card` WHERE id = 3 LIMIT 1", {("card", "delete")}),
        ("DELETE QUICK FROM card", {("card", "delete")}),
        ("REPLACE `card` SET `title` = 'x'", {("card", "any")}),
        ("REPLACE LOW_PRIORITY INTO `shop`.`card` VALUES (1)", {("card", "any")}),
        ("ALTER TABLE card ADD COLUMN x INT", {("card", "any")}),
        ("DROP TABLE card", {("card", "any")}),
    ],
)
def test_what_a_statement_writes_is_found(text: str, writes: set[tuple[str, str]] | None) -> None:
    found = written(text)

    assert found is not None
    if writes is None:
        assert found == {("card", "delete"), ("old", "insert")}
    else:
        assert writes <= found
        assert {verb for _, verb in found} == {verb for _, verb in writes}


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM card",
        "  select * from card where title = 'insert into board'",
        "SELECT * FROM card FOR UPDATE",
        "SELECT * FROM card FOR UPDATE OF card SKIP LOCKED",
        "SELECT replace(title, 'a', 'b') FROM card",
        "(SELECT 1) UNION (SELECT 2)",
        "WITH found AS (SELECT * FROM card) SELECT * FROM found",
        "VALUES (1)",
        "PRAGMA foreign_keys = ON",
        "SET search_path TO public",
        "SAVEPOINT sa_savepoint_1",
        "ROLLBACK TO SAVEPOINT sa_savepoint_1",
        "CREATE TABLE card (board INTEGER REFERENCES board (id) ON DELETE CASCADE ON UPDATE CASCADE)",
        "-- insert into card",
        "",
        ";",
    ],
)
def test_a_reading_statement_writes_nothing(text: str) -> None:
    assert written(text) == set()
    assert not read_statement(text).is_write


@pytest.mark.parametrize(
    "text", ["CALL move_cards(3)", "EXECUTE plan(3)", "DO $$ BEGIN PERFORM f(); END $$", "REFRESH MATERIALIZED VIEW x"]
)
def test_what_cannot_be_told_counts_as_a_write(text: str) -> None:
    assert written(text) is None
    assert read_statement(text).is_write


@pytest.mark.parametrize(
    ("text", "commits"),
    [
        ("COMMIT", True),
        ("commit work;", True),
        ("END TRANSACTION", True),
        ("/* of the import */ COMMIT", True),
        ("UPDATE card SET title = 'x'; COMMIT", True),
        ("COMMIT PREPARED 'x'", True),
        ("SELECT 1", False),
        ("UPDATE card SET title = 'x; COMMIT'", False),
        ('SELECT "commit" FROM card', False),
        ("SELECT CASE WHEN 1 THEN 2 END", False),
        ("CREATE TEMPORARY TABLE x ON COMMIT DROP", False),
    ],
)
def test_a_statement_that_commits_is_found(text: str, commits: bool) -> None:
    assert read_statement(text).commits == commits


def test_a_commit_of_what_was_prepared_counts_as_a_write_that_cannot_be_told() -> None:
    assert written("COMMIT PREPARED 'x'") is None


def test_a_backslash_before_a_quote_hides_no_write() -> None:
    text = r"INSERT INTO log VALUES ('it\'s'); DELETE FROM card WHERE title = 'x'"

    assert {("log", "insert"), ("card", "delete")} <= (written(text) or set())


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("SELECT card.id FROM card", "card"),
        ('SELECT 1 FROM "Order items"', "order"),
        ("SELECT 1 FROM CARD", "card"),
        ("SELECT 1 FROM größe", "größe"),
        ("SELECT 1 FROM a JOIN b ON a.x = 'card'", "card"),
        ("WITH x AS (SELECT * FROM card) SELECT * FROM x", "card"),
    ],
)
def test_a_statement_mentions_the_tables_that_it_reads(text: str, word: str) -> None:
    assert word in read_statement(text).words


def test_a_table_has_one_word() -> None:
    assert table_word("Card") == "card"
    assert table_word("order-items") == "order"
    assert table_word("--") == ""
