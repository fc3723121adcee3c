"""The ``DATASTAR_*`` keys: defaults, checks, precedence."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError, fields

import pytest
from flask import Flask

from flask_datastar import Datastar
from flask_datastar.config.settings import DEFAULT_SCRIPT_URL, KNOWN_INTEGRITY, Arguments, Settings, read_settings
from flask_datastar.errors import ConfigError
from tests.support.actions import keyed

URL_1_0_2 = "https://cdn.jsdelivr.net/gh/starfederation/datastar@v1.0.2/bundles/datastar.js"


def test_settings_have_the_documented_defaults() -> None:
    settings = read_settings({}, {})

    assert settings == Settings(
        url_prefix="/ds",
        script_url="https://cdn.jsdelivr.net/gh/starfederation/datastar@v1.0.4/bundles/datastar.js",
        script_integrity=None,
        trusted_origins=frozenset(),
        max_signals_bytes=1_048_576,
    )
    assert settings == Settings()


def test_settings_are_read_from_the_config() -> None:
    settings = read_settings(
        {
            "DATASTAR_URL_PREFIX": "/live/events",
            "DATASTAR_SCRIPT_URL": "/static/datastar.js",
            "DATASTAR_SCRIPT_INTEGRITY": "sha384-abc+/=",
            "DATASTAR_TRUSTED_ORIGINS": ["https://App.example.com:443"],
            "DATASTAR_MAX_SIGNALS_BYTES": 1,
            "SECRET_KEY": "not ours",
        },
        {},
    )

    assert settings == Settings(
        url_prefix="/live/events",
        script_url="/static/datastar.js",
        script_integrity="sha384-abc+/=",
        trusted_origins=frozenset({"https://app.example.com"}),
        max_signals_bytes=1,
    )


def test_argument_wins_over_the_config() -> None:
    settings = read_settings({"DATASTAR_URL_PREFIX": "/config"}, {"url_prefix": "/argument"})

    assert settings.url_prefix == "/argument"


def test_argument_of_none_is_a_value_too() -> None:
    config = {"DATASTAR_SCRIPT_URL": URL_1_0_2, "DATASTAR_SCRIPT_INTEGRITY": "sha256-abc"}

    assert read_settings(config, {"script_integrity": None}).script_integrity is None


def test_settings_cannot_be_changed() -> None:
    settings = Settings()

    with pytest.raises(FrozenInstanceError):
        settings.url_prefix = "/other"  # type: ignore[misc]


def test_config_changed_after_init_app_has_no_effect() -> None:
    app = Flask("shop")
    datastar = Datastar(app)
    app.config["DATASTAR_URL_PREFIX"] = "/late"

    @datastar.handler(group="g")
    def event() -> None: ...

    assert [rule.rule for rule in app.url_map.iter_rules() if rule.endpoint == "datastar.g:event"] == ["/ds/g/event"]


def test_two_apps_have_settings_of_their_own() -> None:
    datastar = Datastar(script_url="/argument.js")
    first, second = Flask("first"), Flask("second")
    first.config["DATASTAR_URL_PREFIX"] = "/one"
    second.config["DATASTAR_URL_PREFIX"] = "/two"

    @datastar.handler(group="g")
    def event() -> None: ...

    for app, prefix in ((first, "/one"), (second, "/two")):
        datastar.init_app(app)
        with app.test_request_context():
            assert datastar.post(event).js == keyed(f"@post('{prefix}/g/event')")
            assert datastar.script() == '<script type="module" src="/argument.js"></script>'


def test_known_bundle_gets_its_integrity() -> None:
    assert read_settings({"DATASTAR_SCRIPT_URL": URL_1_0_2}, {}).script_integrity == KNOWN_INTEGRITY[URL_1_0_2]
    assert KNOWN_INTEGRITY[URL_1_0_2] == "sha256-KDfYes9u4LqOTmN2WSbCWpjWOIOwL4i+GUqGuB0/0ko="
    assert read_settings({"DATASTAR_SCRIPT_URL": "https://example.com/x.js"}, {}).script_integrity is None
    assert DEFAULT_SCRIPT_URL not in KNOWN_INTEGRITY


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("urlprefix", "url_prefix"),
        ("URL_PREFIX", "url_prefix"),
        ("DATASTAR_URL_PREFIX", "url_prefix"),
        ("prefix", "url_prefix"),
        ("brokers_url", "broker_url"),
        ("max_stream", "max_streams"),
        ("keep_alive_seconds", "keepalive_seconds"),
        ("debug", None),
    ],
)
def test_unknown_argument_is_refused_with_the_nearest_and_all(name: str, meant: str | None) -> None:
    names = ", ".join(field.name for field in fields(Settings))
    hint = f"did you mean '{meant}'\\? " if meant else ""

    # Already before there is an app.
    with pytest.raises(ConfigError, match=f"^Datastar\\(\\) has no argument '{name}'; {hint}Accepted: {names}$"):
        Datastar(**{name: "/ds"})  # type: ignore[misc]


def test_every_setting_is_an_argument() -> None:
    assert list(Arguments.__annotations__) == [field.name for field in fields(Settings)]


def test_bad_argument_is_named_with_its_key() -> None:
    with pytest.raises(ConfigError, match=r"^DATASTAR_URL_PREFIX \(argument url_prefix\) is 'ds'; accepted: a path"):
        Datastar(Flask("shop"), url_prefix="ds")


@pytest.mark.parametrize("value", ["ds", "/", "", "/ds/", "//ds", "/a b", "/<name>", "/d?s", "/d#s", "/é", None, 1])
def test_url_prefix_that_is_no_plain_path_is_refused(value: object) -> None:
    with pytest.raises(ConfigError, match=r"^DATASTAR_URL_PREFIX is .*; accepted: a path such as '/ds'"):
        read_settings({"DATASTAR_URL_PREFIX": value}, {})


@pytest.mark.parametrize("value", ["/ds", "/a/b", "/A-Z_0.9~x"])
def test_url_prefix_that_is_a_plain_path_is_accepted(value: str) -> None:
    assert read_settings({"DATASTAR_URL_PREFIX": value}, {}).url_prefix == value


@pytest.mark.parametrize(
    "value",
    ["", "datastar.js", "javascript:alert(1)", "ftp://a/b.js", "https://", '/a"b', "/a b", "/a\n", "\\\\h", None, 1],
)
def test_script_url_that_no_page_could_load_is_refused(value: object) -> None:
    with pytest.raises(ConfigError, match=r"^DATASTAR_SCRIPT_URL is .*; accepted: an http or https URL, or a path"):
        read_settings({"DATASTAR_SCRIPT_URL": value}, {})


@pytest.mark.parametrize("value", ["/x.js?v=1&w=2", "http://a/b.js", "https://a:8443/b.js", "//cdn.example.com/x.js"])
def test_script_url_that_a_page_can_load_is_accepted(value: str) -> None:
    assert read_settings({"DATASTAR_SCRIPT_URL": value}, {}).script_url == value


@pytest.mark.parametrize("value", ["", "md5-abc", "sha256-", 'sha256-a"b', "sha256-abc\n", "sha256-a  sha256-b", 5])
def test_script_integrity_that_is_no_digest_is_refused(value: object) -> None:
    with pytest.raises(ConfigError, match=r"^DATASTAR_SCRIPT_INTEGRITY is .*; accepted: None, or 'sha256-'"):
        read_settings({"DATASTAR_SCRIPT_INTEGRITY": value}, {})


@pytest.mark.parametrize("value", [None, "sha256-ab+/0=", "sha384-abc sha512-abc=="])
def test_script_integrity_that_is_a_digest_is_accepted(value: str | None) -> None:
    assert read_settings({"DATASTAR_SCRIPT_INTEGRITY": value}, {}).script_integrity == value


@pytest.mark.parametrize(
    ("value", "quoted"),
    [
        ("https://a.example", "https://a.example"),
        (None, "None"),
        ({"https://a.example": True}, "https://a.example"),
        (["*"], "'*'"),
        (["a.example"], "'a.example'"),
        (["https://a.example/"], "'https://a.example/'"),
        (["https://a.example/path"], "'https://a.example/path'"),
        (["https://user@a.example"], "'https://user@a.example'"),
        (["null"], "'null'"),
        (["ftp://a.example"], "'ftp://a.example'"),
        (["https://a.example:port"], "'https://a.example:port'"),
        (["https://a.example:99999"], "'https://a.example:99999'"),
        ([b"https://a.example"], "b'https://a.example'"),
        ([None], "None"),
    ],
)
def test_trusted_origin_that_is_none_is_refused(value: object, quoted: str) -> None:
    with pytest.raises(ConfigError, match=r"^DATASTAR_TRUSTED_ORIGINS is .*; accepted: a list of origins") as caught:
        read_settings({"DATASTAR_TRUSTED_ORIGINS": value}, {})

    assert quoted in str(caught.value)


@pytest.mark.parametrize("kind", [list, tuple, set, frozenset])
def test_trusted_origins_are_kept_as_browsers_write_them(kind: type) -> None:
    value = kind(["HTTPS://A.Example:443", "http://b.example:80", "https://c.example:8443", "http://[::1]:5000"])

    assert read_settings({"DATASTAR_TRUSTED_ORIGINS": value}, {}).trusted_origins == {
        "https://a.example",
        "http://b.example",
        "https://c.example:8443",
        "http://[::1]:5000",
    }


COUNTS = [
    *["MAX_SIGNALS_BYTES", "MAX_STREAMS", "MAX_STREAMS_PER_SCOPE", "MAX_STREAMS_PER_ADDRESS"],
    *["MAX_QUEUED_EVENTS", "MAX_QUEUED_BYTES", "MAX_MESSAGE_BYTES"],
]


@pytest.mark.parametrize("name", COUNTS)
@pytest.mark.parametrize("value", [0, -1, True, "1000", 1.5, None])
def test_count_that_is_no_whole_number_above_0_is_refused(name: str, value: object) -> None:
    with pytest.raises(ConfigError, match=rf"^DATASTAR_{name} is .*; accepted: a whole number, 1 or more$"):
        read_settings({f"DATASTAR_{name}": value}, {})


@pytest.mark.parametrize("name", COUNTS)
def test_count_is_accepted(name: str) -> None:
    assert getattr(read_settings({f"DATASTAR_{name}": 1}, {}), name.lower()) == 1


@pytest.mark.parametrize("value", [0, -1, True, "15", math.inf, math.nan, None])
def test_keepalive_that_is_no_time_is_refused(value: object) -> None:
    with pytest.raises(ConfigError, match=r"^DATASTAR_KEEPALIVE_SECONDS is .*; accepted: a number of seconds above 0$"):
        read_settings({"DATASTAR_KEEPALIVE_SECONDS": value}, {})


@pytest.mark.parametrize("name", ["STREAM_MAX_AGE_SECONDS", "RESTART_SPREAD_SECONDS"])
@pytest.mark.parametrize("value", [-0.1, True, "15", math.inf, math.nan, None])
def test_time_that_is_none_is_refused(name: str, value: object) -> None:
    with pytest.raises(ConfigError, match=rf"^DATASTAR_{name} is .*; accepted: a number of seconds, 0 or more$"):
        read_settings({f"DATASTAR_{name}": value}, {})


@pytest.mark.parametrize("name", ["KEEPALIVE_SECONDS", "STREAM_MAX_AGE_SECONDS", "RESTART_SPREAD_SECONDS"])
@pytest.mark.parametrize("value", [1, 0.5])
def test_time_is_accepted(name: str, value: float) -> None:
    assert getattr(read_settings({f"DATASTAR_{name}": value}, {}), name.lower()) == value


@pytest.mark.parametrize("name", ["stream_max_age_seconds", "restart_spread_seconds"])
def test_time_may_be_0_where_that_has_a_meaning(name: str) -> None:
    assert getattr(read_settings({}, {name: 0}), name) == 0


@pytest.mark.parametrize("value", [-0.1, 1.1, True, "0.5", math.nan, None])
def test_share_that_is_none_is_refused(value: object) -> None:
    with pytest.raises(ConfigError, match=r"^DATASTAR_SHARE_WITHOUT_SCOPE is .*; accepted: a number from 0 to 1$"):
        read_settings({"DATASTAR_SHARE_WITHOUT_SCOPE": value}, {})


@pytest.mark.parametrize("value", [0, 0.25, 1])
def test_share_is_accepted(value: float) -> None:
    assert read_settings({"DATASTAR_SHARE_WITHOUT_SCOPE": value}, {}).share_without_scope == value


@pytest.mark.parametrize("value", [0, 1, "yes", None])
def test_direct_writes_that_is_no_bool_is_refused(value: object) -> None:
    with pytest.raises(ConfigError, match=r"^DATASTAR_DIRECT_WRITES is .*; accepted: True or False$"):
        read_settings({"DATASTAR_DIRECT_WRITES": value}, {})


def test_direct_writes_can_be_switched_off() -> None:
    assert read_settings({"DATASTAR_DIRECT_WRITES": False}, {}).direct_writes is False


@pytest.mark.parametrize("value", [0, -1, True, "2", math.inf, math.nan, None])
def test_broker_timeout_that_is_no_time_is_refused(value: object) -> None:
    with pytest.raises(ConfigError, match=r"^DATASTAR_BROKER_TIMEOUT_SECONDS is .*; accepted: a number of seconds abo"):
        read_settings({"DATASTAR_BROKER_TIMEOUT_SECONDS": value}, {})


@pytest.mark.parametrize("value", ["", "Raise", "ignore", None, True])
def test_broker_on_failure_that_is_no_choice_is_refused(value: object) -> None:
    with pytest.raises(ConfigError, match=r"^DATASTAR_BROKER_ON_FAILURE is .*; accepted: 'drop' or 'raise'$"):
        read_settings({"DATASTAR_BROKER_ON_FAILURE": value}, {})


@pytest.mark.parametrize("value", ["", "a:b", "a b", "é", "x" * 65, "a\n", 1])
def test_broker_namespace_that_is_no_name_is_refused(value: object) -> None:
    with pytest.raises(ConfigError, match=r"^DATASTAR_BROKER_NAMESPACE is .*; accepted: None, or 1 to 64 letters"):
        read_settings({"DATASTAR_BROKER_NAMESPACE": value}, {})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("brokers", None),
        ("brokers", {"own": "shop.brokers:OwnBroker", "other": dict}),
        ("broker_timeout_seconds", 0.5),
        ("broker_on_failure", "raise"),
        ("broker_on_failure", "drop"),
        ("broker_namespace", None),
        ("broker_namespace", "shop-2.staging_a"),
        ("publish_after_commit", False),
    ],
)
def test_setting_of_the_broker_is_accepted(name: str, value: object) -> None:
    assert getattr(read_settings({f"DATASTAR_{name.upper()}": value}, {}), name) == value


@pytest.mark.parametrize("value", [0, 1, "no", None])
def test_publish_after_commit_that_is_no_bool_is_refused(value: object) -> None:
    with pytest.raises(ConfigError, match=r"^DATASTAR_PUBLISH_AFTER_COMMIT is .*; accepted: True or False$"):
        read_settings({"DATASTAR_PUBLISH_AFTER_COMMIT": value}, {})


def test_config_error_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="DATASTAR_URL_PREFIX"):
        read_settings({"DATASTAR_URL_PREFIX": "x"}, {})


async def whose() -> str:
    return "ada"


@pytest.mark.parametrize("name", ["CSP_NONCE", "SCOPE"])
@pytest.mark.parametrize("value", ["ada", 7, lambda user: user, lambda *, user: user, str.upper, whose])
def test_function_that_needs_arguments_is_refused(name: str, value: object) -> None:
    with pytest.raises(ConfigError, match=rf"^DATASTAR_{name} is .*; accepted: None, or a function without parameters"):
        read_settings({f"DATASTAR_{name}": value}, {})


@pytest.mark.parametrize("name", ["CSP_NONCE", "SCOPE"])
@pytest.mark.parametrize("value", [None, lambda: "ada", lambda user="ada": user, lambda *users: "ada", dict])
def test_function_without_arguments_is_accepted(name: str, value: object) -> None:
    assert getattr(read_settings({f"DATASTAR_{name}": value}, {}), name.lower()) is value


@pytest.mark.parametrize("value", [["zstd", "gzip"], ("gzip",), ()])
def test_codings_are_kept_in_their_order(value: list[str]) -> None:
    assert read_settings({"DATASTAR_COMPRESSION": value}, {}).compression == tuple(value)


@pytest.mark.parametrize("value", ["gzip", ["br"], [None], {"gzip"}, None, [["gzip"]]])
def test_codings_that_nobody_has_are_refused(value: object) -> None:
    with pytest.raises(ConfigError, match=r"^DATASTAR_COMPRESSION is .*; accepted: a tuple of 'zstd' and 'gzip'"):
        read_settings({"DATASTAR_COMPRESSION": value}, {})
