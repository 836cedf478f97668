"""What a node counts, for Prometheus, in a registry of its own.

There are no globals: two nodes in one process (a simulation, a test) count apart. Labels come from closed
lists, so that no stranger can make a new time series; what is not on its list is counted as `other`.
"""

from __future__ import annotations

import platform
from functools import partial
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from node.causes import Cause

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client import Metric

METRICS_CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
"""The media type of `Metrics.render`; the version that every Prometheus reads."""

ANSWERED: Final = "answered"
"""The `cause` of a delivery attempt that brought an answer."""

OTHER: Final = "other"

MESSAGE_KINDS: Final = frozenset({"initiate", "accept", "status"})
HTTP_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

COMMIT_BUCKETS_S: Final = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0)
BATCH_BUCKETS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256)
REQUEST_BUCKETS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)


class Metrics:
    """The counters, gauges and histograms of one node."""

    def __init__(self, *, version: str, process: bool = True) -> None:
        """Start all at zero.

        Args:
            version: this software's version, for `handclasp_build_info`.
            process: also tell this process's memory, CPU time and open files; off for a node that shares a
                process with others.
        """
        self._registry = registry = CollectorRegistry()
        counter = partial(Counter, registry=registry)
        gauge = partial(Gauge, registry=registry)
        histogram = partial(Histogram, registry=registry)
        if process:
            ProcessCollector(registry=registry)
        self._received = counter(
            "handclasp_messages_received",
            "Envelopes that reached this node, by kind and by what became of them.",
            ("kind", "result"),
        )
        self._attempts = counter(
            "handclasp_delivery_attempts",
            "Attempts to deliver a statement to a partner: answered, or the cause of no answer.",
            ("cause",),
        )
        self._owed = gauge("handclasp_owed_statements", "Connections whose partner has not echoed this side yet.")
        self._broadcasts = gauge(
            "handclasp_broadcasts_waiting", "Broadcasts that the MQTT broker has not acknowledged yet."
        )
        self._broker = gauge("handclasp_broker_connected", "1 while the link to the MQTT broker is up, else 0.")
        self._commit = histogram(
            "handclasp_store_commit_seconds",
            "How long one commit of the store took, with all units of work in it.",
            buckets=COMMIT_BUCKETS_S,
        )
        self._batch = histogram(
            "handclasp_store_batch_units", "How many units of work shared one commit.", buckets=BATCH_BUCKETS
        )
        self._requests = counter(
            "handclasp_http_requests",
            "HTTP requests answered, by route template, method and status code.",
            ("route", "method", "status"),
        )
        self._request_s = histogram(
            "handclasp_http_request_seconds",
            "How long a request took until its answer was ready, by route template.",
            ("route",),
            buckets=REQUEST_BUCKETS_S,
        )
        build = gauge("handclasp_build_info", "Always 1; its labels say what runs.", ("version", "python"))
        build.labels(version, platform.python_version()).set(1)
        for cause in (ANSWERED, *Cause):
            self._attempts.labels(cause)

    def message_received(self, *, kind: str, result: str) -> None:
        """Count an envelope that came in; `kind` may be any text, `result` is one of our own words."""
        self._received.labels(kind if kind in MESSAGE_KINDS else OTHER, result).inc()

    def delivery_attempted(self, cause: Cause | None) -> None:
        """Count an attempt to deliver; no cause means that it was answered."""
        self._attempts.labels(ANSWERED if cause is None else cause).inc()

    def set_owed(self, count: int) -> None:
        """Tell how many connections owe their partner a statement."""
        self._owed.set(count)

    def set_broadcasts_waiting(self, count: int) -> None:
        """Tell how many broadcasts wait for the broker."""
        self._broadcasts.set(count)

    def set_broker_connected(self, *, connected: bool) -> None:
        """Tell whether the link to the broker is up."""
        self._broker.set(1 if connected else 0)

    def committed(self, *, duration_s: float, unit_count: int) -> None:
        """Count one commit of the store."""
        self._commit.observe(duration_s)
        self._batch.observe(unit_count)

    def request_answered(self, *, route: str, method: str, status: int, duration_s: float) -> None:
        """Count one HTTP request; `route` is the router's template, never the path that was asked for."""
        self._requests.labels(route, method if method in HTTP_METHODS else OTHER, str(status)).inc()
        self._request_s.labels(route).observe(duration_s)

    def render(self) -> bytes:
        """All of it as Prometheus text; its media type is `METRICS_CONTENT_TYPE`."""
        return generate_latest(_WithoutCreationTimes(self._registry))


class _WithoutCreationTimes:
    """A registry without the `_created` series: they double the page, and only a global would drop them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        """Each metric, its `_created` samples left out."""
        for metric in self._registry.collect():
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric
