"""Bounds for tables that strangers write to."""

from sqlalchemy import delete, func, select

from example.extensions import db


def keep_newest(model: type, count: int) -> None:
    """Delete all rows but the newest, with the next commit."""
    newest = db.session.scalar(select(func.max(model.id))) or 0
    db.session.execute(delete(model).where(model.id <= newest - count))
