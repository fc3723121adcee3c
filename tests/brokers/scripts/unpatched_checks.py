"""Checks of gevent that serves without having patched sockets."""

from __future__ import annotations

import pytest

from flask_datastar.brokers import BrokerOptions
from flask_datastar.brokers.schemes import make_broker
from flask_datastar.errors import SetupError
from flask_datastar.testing import Inbox


def check_unpatched_gevent_is_refused() -> None:
    import gevent

    make_broker("redis://127.0.0.1:1", Inbox(), BrokerOptions("shop")).close()
    gevent.sleep(0)
    with pytest.raises(SetupError, match=r"monkey\.patch_all"):
        make_broker("redis://127.0.0.1:1", Inbox(), BrokerOptions("shop"))
