"""The extension objects of the application, created here without an app and bound to one by ``create_app()``.

Every module can import them from here, without importing the application.
"""

from __future__ import annotations

from flask_login import LoginManager
from flask_sqlalchemy import SQLAlchemy

from flask_datastar import Datastar

datastar = Datastar()
db = SQLAlchemy()
login_manager = LoginManager()
# The page to which visitors are redirected who are not signed in.
login_manager.login_view = "signup.login"
