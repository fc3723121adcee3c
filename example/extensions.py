"""The extension objects of the application: made here without an app, bound to one by ``create_app()``.

Every module may import them from here, and none has to import the application for it.
"""

from __future__ import annotations

from flask_login import LoginManager
from flask_sqlalchemy import SQLAlchemy

from flask_datastar import Datastar

datastar = Datastar()
db = SQLAlchemy()
login_manager = LoginManager()
# Where it sends who is not signed in.
login_manager.login_view = "signup.login"
