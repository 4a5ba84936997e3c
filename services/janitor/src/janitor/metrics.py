"""Every metric of the janitor, in one place."""

from prometheus_client import CollectorRegistry, Counter, Gauge

from janitor.run import Report


class Metrics:
    """Counts what runs have done, on a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._runs = Counter(
            "ticket_export_janitor_runs",
            "Runs, by outcome: ok, left (some items) or error.",
            ["outcome"],
            registry=self.registry,
        )
        self._done = Counter("ticket_export_janitor_items", "Items done, by step.", ["step"], registry=self.registry)
        self._left = Counter(
            "ticket_export_janitor_left", "Items left for the next run, by step.", ["step"], registry=self.registry
        )
        self._last_success = Gauge(
            "ticket_export_janitor_last_success_timestamp_seconds",
            "When a run last did all that was due.",
            registry=self.registry,
        )

    def count(self, report: Report) -> None:
        """Count a run that came to its end."""
        self._runs.labels("ok" if report.complete else "left").inc()
        for tally in report.steps:
            self._done.labels(tally.step).inc(tally.done)
            self._left.labels(tally.step).inc(tally.failed)
        if report.complete:
            self._last_success.set_to_current_time()

    def count_error(self) -> None:
        """Count a run that did not."""
        self._runs.labels("error").inc()
