"""What the tests of actions share."""

from __future__ import annotations

import pytest
from flask import Blueprint, Flask

from flask_datastar import Datastar
from tests.support.handlers import add


@pytest.fixture
def nested(app: Flask, datastar: Datastar) -> Blueprint:
    """A blueprint below ``/<lang>/orders/<int:order>`` with a handler ``g:act``."""
    blueprint = Blueprint("orders", __name__, url_prefix="/<lang>/orders/<int:order>")
    add(datastar, "g", "act", blueprint=blueprint)
    return blueprint
