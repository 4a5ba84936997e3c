"""The worker's metrics, all of them here."""

from collections.abc import Iterator
from typing import Protocol

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


class Observed(Protocol):
    """What the metrics read from a worker."""

    @property
    def running_tasks(self) -> int:
        """Slots in use."""

    @property
    def kafka_connected(self) -> bool:
        """Whether wake-ups can arrive."""

    @property
    def dead_letters(self) -> int:
        """Messages that could not be understood."""


class WorkerMetrics(Collector):
    """Reads a worker's state when Prometheus asks."""

    def __init__(self, registry: CollectorRegistry, worker: Observed) -> None:
        self._worker = worker
        registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """Yield the current values."""
        yield GaugeMetricFamily(
            "ticket_export_worker_running_tasks", "Tasks that this worker runs now.", self._worker.running_tasks
        )
        yield GaugeMetricFamily(
            "ticket_export_worker_kafka_connected",
            "1 while wake-ups can arrive; without Kafka the sweep finds the work.",
            float(self._worker.kafka_connected),
        )
        yield CounterMetricFamily(
            "ticket_export_worker_dead_letters",
            "Messages put into the dead-letter topic since the start.",
            self._worker.dead_letters,
        )
