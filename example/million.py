"""A million checkboxes that everybody shares: a click appears in each browser whose window shows the box.

A page shows three chunks of boxes around the middle of its view. When it is scrolled to another chunk, it opens its
stream again, which sends these chunks and then follows their topics: a click reaches only the pages that show its box,
as one element of some dozen bytes. One process with gevent serves it. Nothing comes between a commit and its broadcast
there, so all browsers receive the clicks on one box in the order of the database.
"""

from __future__ import annotations

import secrets
import time
from functools import lru_cache

from flask import Blueprint, abort, render_template, request, session
from markupsafe import Markup
from sqlalchemy import BigInteger
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import Mapped, mapped_column

from example.extensions import datastar, db

bp = Blueprint("million", __name__)

BOXES, CHUNK, WORD = 1_000_000, 500, 50
CHUNKS, WORDS = BOXES // CHUNK, CHUNK // WORD
#: The clicks and windows that one browser may ask for, in a second and at once. A person stays far below.
RATE, BURST, MOST_BROWSERS = 20, 60, 10_000

#: For each browser the time at which all that it has asked for would be done at its rate.
_busy_until: dict[str, float] = {}


class Word(db.Model):
    """Fifty boxes as the bits of an integer; all words take about 300 KB. A word without a row has no checked box."""

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    bits: Mapped[int] = mapped_column(BigInteger)


@bp.get("/million")
def page() -> str:
    session.setdefault("visitor", secrets.token_hex(8))
    datastar.signal("at", 0)
    return render_template("million.html", total=total(), boxes=BOXES, chunks=CHUNKS)


@datastar.region(group="million", at_most_every=1)
def total() -> str:
    """Show how many boxes are checked; all pages follow it, once a second at most."""
    checked = sum(bits.bit_count() for bits in db.session.scalars(db.select(Word.bits)))
    return f'<strong id="total">{checked:,}</strong>'


@datastar.stream(group="million", scope=lambda: session.get("visitor"))
def window(at: int = 0) -> object:
    """Send the chunks around chunk ``at``, and follow what happens to them."""
    if is_flooding():
        abort(429)
    middle = min(max(at, 0), CHUNKS - 1)
    shown = range(max(middle - 1, 0), min(middle + 2, CHUNKS))
    # Before the boxes are read, so that no click falls between.
    clicks = datastar.follow(total(), *(f"million-{chunk}" for chunk in shown))
    chunks = [draw_chunk(chunk, bits) for chunk, bits in read_chunks(shown).items()]
    datastar.patch_elements(f'<div id="boxes">{Markup().join(chunks)}</div>')
    # After the boxes: the page moves the focus to the box that somebody asked for.
    datastar.signal("shown", middle)
    return clicks


@datastar.handler(group="million")
def check(box: int, on: bool) -> None:
    """Check or clear a box. The click says which, so that two people who check one box do not clear it."""
    if not 0 < box <= BOXES:
        abort(404)
    if is_flooding():
        # The browser shows its own click already: an attribute that comes and goes takes it back.
        datastar.patch_elements(draw_box(box, on))
        datastar.patch_elements(draw_box(box, not on))
        datastar.signal("_isFast", True)
        return
    word, place = divmod(box - 1, WORD)
    bit = 1 << place
    # One statement, so that clicks on other boxes of the word are not lost.
    row = insert(Word).values(number=word, bits=bit if on else 0)
    bits = Word.bits.bitwise_or(bit) if on else Word.bits.bitwise_and(~bit)
    db.session.execute(row.on_conflict_do_update(index_elements=[Word.number], set_={"bits": bits}))
    db.session.commit()
    datastar.broadcast(f"million-{(box - 1) // CHUNK}").patch_elements(draw_box(box, on))


def read_chunks(chunks: range) -> dict[int, int]:
    """Return the bits of each chunk as one integer."""
    found = dict.fromkeys(chunks, 0)
    wanted = Word.number.between(chunks.start * WORDS, chunks.stop * WORDS - 1)
    for number, bits in db.session.execute(db.select(Word.number, Word.bits).where(wanted)):
        chunk, place = divmod(number, WORDS)
        found[chunk] |= bits << place * WORD
    return found


@lru_cache(maxsize=200)
def draw_chunk(chunk: int, bits: int) -> Markup:
    """Draw a chunk. Many people look at the same ones, and the same bits make the same HTML."""
    first = chunk * CHUNK + 1
    boxes = [draw_box(first + place, bool(bits >> place & 1)) for place in range(CHUNK)]
    return Markup(render_template("_chunk.html", chunk=chunk, first=first, last=first + CHUNK - 1, boxes=boxes))


def draw_box(box: int, on: bool) -> Markup:
    return Markup(f'<input id="b{box}" type="checkbox" aria-label="{box}"{" checked" if on else ""}>')


def is_flooding() -> bool:
    """Count a request of this browser, and return whether it asks for more than :data:`RATE` allows."""
    browser = session.get("visitor") or request.remote_addr or ""
    now = time.monotonic()
    if len(_busy_until) >= MOST_BROWSERS:
        for idle in [key for key, until in _busy_until.items() if until < now]:
            _busy_until.pop(idle, None)
    until = max(_busy_until.get(browser, 0.0), now) + 1 / RATE
    if until > now + BURST / RATE:
        return True
    _busy_until[browser] = until
    return False
