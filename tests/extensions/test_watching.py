"""What watches an application: Sentry, OpenTelemetry, Prometheus, Elastic APM."""

from __future__ import annotations

import pytest

from flask_datastar.testing import DatastarClient


@pytest.fixture
def sentry():
    import sentry_sdk
    from sentry_sdk.transport import Transport

    sent = []

    class Kept(Transport):
        def capture_envelope(self, envelope):
            sent.extend((item.type, item.payload.json) for item in envelope.items)

    sentry_sdk.init(dsn="https://key@sentry.example/1", transport=Kept, traces_sample_rate=1.0)
    yield sent
    sentry_sdk.init()


def test_sentry_names_handlers_and_gets_their_exceptions(sentry, app, shop, datastar):
    @datastar.handler(group="shop")
    def fail():
        raise ValueError("in a handler")

    @datastar.handler(group="shop")
    def fail_late():
        yield {"n": 1}
        raise ValueError("in a generator")

    @datastar.stream(group="shop")
    def fail_live():
        for _ in datastar.changes("news"):
            yield {"n": 1}
            raise ValueError("in a stream")

    tab = shop.check()
    assert tab.post("shop.fail").status_code == 500
    list(tab.iter_events("shop.fail_late"))
    shop.connect("/ds/shop/fail_live").wait_end()

    named = {item["transaction"] for kind, item in sentry if kind == "transaction"}
    assert {"datastar.shop:add", "datastar.shop:load", "datastar.shop:live", "datastar.shop:feed"} <= named
    errors = [item["exception"]["values"][-1]["value"] for kind, item in sentry if kind == "event"]
    assert errors == ["in a handler", "in a generator", "in a stream"]


def test_opentelemetry_has_a_span_for_each_request(app, shop, caplog):
    from opentelemetry.instrumentation.flask import FlaskInstrumentor
    from opentelemetry.trace import INVALID_SPAN_CONTEXT, NonRecordingSpan, NoOpTracer, NoOpTracerProvider

    ended = []

    class Span(NonRecordingSpan):
        def __init__(self, name):
            super().__init__(INVALID_SPAN_CONTEXT)
            self.name = name

        def end(self, end_time=None):
            ended.append(self.name)

    class Tracer(NoOpTracer):
        def start_span(self, name, *arguments, **options):
            return Span(name)

    class Provider(NoOpTracerProvider):
        def get_tracer(self, *arguments, **options):
            return Tracer()

    FlaskInstrumentor().instrument_app(app, tracer_provider=Provider())

    shop.check()
    # The generator of a stream goes on in its request; one that only follows has none any more.
    assert set(ended) >= {"POST /ds/shop/add", "POST /ds/shop/load", "GET /ds/shop/feed"}
    assert "GET /ds/shop/live" not in ended

    shop.leave()
    assert "GET /ds/shop/live" in ended
    assert "Failed to detach context" not in caplog.text


@pytest.fixture
def metrics(app):
    from prometheus_flask_exporter import PrometheusMetrics

    # On the page:
    metrics = PrometheusMetrics(app, group_by="endpoint")
    # So far.
    yield metrics
    # The registry is the process's.
    for collector in list(metrics.registry._collector_to_names):
        metrics.registry.unregister(collector)


def test_prometheus_counts_each_handler(metrics, app, shop):
    shop.check()

    text = DatastarClient(app).client.get("/metrics").text
    for name in ("add", "load", "live", "feed"):
        assert f'endpoint="datastar.shop:{name}"' in text


def test_prometheus_counts_what_its_decorators_say(metrics, app, datastar, connect):
    # On the page, the decorator:
    @datastar.handler(group="shop")
    @metrics.counter("orders", "Orders that were placed")
    def order(quantity: int = 0):
        datastar.signal("ordered", quantity)

    # So far.
    @datastar.stream(group="shop")
    @metrics.counter("openings", "Streams that were opened")
    def live():
        for _ in datastar.changes("news"):
            yield {"turn": 1}

    tab = DatastarClient(app, {"quantity": 3})
    assert tab.post("shop.order").patched == {"ordered": 3}
    connect("/ds/shop/live").wait('{"turn":1}')

    text = tab.client.get("/metrics").text
    assert "orders_total 1.0" in text
    assert "openings_total 1.0" in text


def test_elastic_apm(app, shop):
    from elasticapm.contrib.flask import ElasticAPM

    app.config["ELASTIC_APM"] = {"SERVICE_NAME": "shop", "DISABLE_SEND": True, "CENTRAL_CONFIG": False}
    apm = ElasticAPM(app)

    shop.check()
    apm.client.close()
