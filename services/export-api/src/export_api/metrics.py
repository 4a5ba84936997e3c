"""Every metric of the service, in one place; each application has a registry of its own."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector


class Metrics:
    """What Prometheus is told; labels never hold anything that a user chose."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self.request_seconds = Histogram(
            "export_api_request_seconds",
            "Time to answer a request.",
            ("method", "route", "status"),
            buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
            registry=self.registry,
        )
        self.exports_accepted = self._counter("export_api_exports_accepted", "Jobs created.")
        self.links_issued = self._counter("export_api_links_issued", "Download links handed out.")
        self.outbox_published = self._counter("export_api_outbox_published", "Messages confirmed by Kafka.")
        self.outbox_unsendable = self._counter(
            "export_api_outbox_unsendable", "Messages that Kafka will never take; somebody has to look."
        )
        self.outbox_pending = self._gauge(
            "export_api_outbox_pending", "Rows that wait for Kafka, as the leader sees them."
        )
        self.outbox_oldest_seconds = self._gauge("export_api_outbox_oldest_seconds", "Age of the oldest waiting row.")
        self.relay_leader = self._gauge("export_api_relay_leader", "1 where the relay holds the lease.")
        self.kafka_connected = self._gauge("export_api_kafka_connected", "1 while Kafka can be reached.")

    def watch_kafka(self, connected: Callable[[], bool]) -> None:
        """Ask for the state of the connection whenever metrics are read."""
        self.kafka_connected.set_function(lambda: float(connected()))

    def _counter(self, name: str, text: str) -> Counter:
        return Counter(name, text, registry=self.registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(name, text, registry=self.registry)
