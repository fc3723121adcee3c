"""Expenses, parsed from CSV text one row at a time, without anything of the web."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

COLUMNS = ["date", "shop", "amount"]
AMOUNT = re.compile(r"-?\d{1,9}(\.\d{1,2})?", re.ASCII)


@dataclass(frozen=True)
class Expense:
    date: date
    shop: str
    amount: Decimal


@dataclass(frozen=True)
class Row:
    """One row of the file: either an expense or a problem."""

    line: int  # the first line of the row, counted from 1
    done_percent: int  # how much of the file has been read
    expense: Expense | None = None
    problem: str = ""


def read_rows(text: str) -> Iterator[Row]:
    """Yield the rows of a CSV text; after a broken row the following rows are still read."""
    # newline="" as the csv module requires, so that line breaks inside quotes belong to the value.
    lines = max(1, sum(1 for _ in io.StringIO(text, newline="")))
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    if not has_header(reader):
        yield Row(1, 100, problem=f"the columns have to be {', '.join(COLUMNS)}")
        return
    while True:
        line = reader.line_num + 1
        try:
            columns = next(reader)
            # An empty line is not an error.
            if columns:
                yield Row(line, reader.line_num * 100 // lines, expense=parse_expense(columns))
        except StopIteration:
            return
        except csv.Error as error:
            yield Row(line, reader.line_num * 100 // lines, problem=f"the quotes do not match ({error})")
        except ValueError as error:
            yield Row(line, reader.line_num * 100 // lines, problem=str(error))


def has_header(reader: Iterator[list[str]]) -> bool:
    """Consume the first row, and return whether it names the columns."""
    try:
        return [column.strip().lower() for column in next(reader, [])] == COLUMNS
    except csv.Error:
        return False


def parse_expense(columns: list[str]) -> Expense:
    """Convert one row.

    :raises ValueError: if the row is not an expense; the message is for the user.
    """
    if len(columns) != len(COLUMNS):
        raise ValueError(f"{len(columns)} instead of {len(COLUMNS)} columns")
    # The decoder puts this character in place of bytes that it cannot decode. The import must not lose text silently.
    if "\N{REPLACEMENT CHARACTER}" in "".join(columns):
        raise ValueError("this is not UTF-8 text; spreadsheets offer it as “CSV UTF-8”")
    day, shop, amount = (column.strip() for column in columns)
    if not shop:
        raise ValueError("the shop is missing")
    if not AMOUNT.fullmatch(amount):
        raise ValueError(f"“{amount}” is not an amount like 12.50")
    try:
        return Expense(date.fromisoformat(day), shop, Decimal(amount))
    except ValueError:
        raise ValueError(f"“{day}” is not a date like 2026-01-31") from None
