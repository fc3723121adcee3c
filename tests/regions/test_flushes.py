"""The values of a flush by which regions tell rows apart."""

from __future__ import annotations

from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker

from flask_datastar.regions.flushes import Flushes, _values
from tests.regions.models import Base, Card


def test_values_before_and_after_a_change_are_known() -> None:
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Card(id=1, board=3))
        session.commit()
        card = session.get(Card, 1)
        assert card is not None
        assert set(_values(card, "board") or ()) == {3}
        card.board = 4
        assert set(_values(card, "board") or ()) == {3, 4}
        session.rollback()
        # Nothing is loaded to find out: all rows count then.
        assert _values(card, "board") is None
        assert _values(card, "colour") is None
    engine.dispose()


def test_sessions_of_a_factory_are_listened_to_once() -> None:
    factory = sessionmaker()
    flushes = Flushes(dict)
    flushes.listen(factory)
    flushes.listen(factory)

    with factory() as session:
        assert len(session.dispatch.after_flush) == 1
