"""The extension objects of the application: made here without an app, bound to one by ``create_app()``.

Every module may import them from here, and none has to import the application for it.
"""

from __future__ import annotations

from flask_sqlalchemy import SQLAlchemy

from flask_datastar import Datastar

datastar = Datastar()
db = SQLAlchemy()
