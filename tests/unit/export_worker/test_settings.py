"""What a worker reads from its environment."""

import os

import pytest

from export_worker.pagination import LEAST_PART_BYTES
from export_worker.settings import MEBIBYTE, WorkerSettings
from ticket_export.settings import SettingsError, load

NEEDED = {
    "DATABASE_URL": "postgresql://app:secret@db/jobs",
    "SOURCE_DATABASE_URL": "postgresql://reader:secret@db/helpdesk",
    "KAFKA_BOOTSTRAP_SERVERS": "kafka:9092",
    "S3_ENDPOINT": "http://s3:9000",
    "S3_ACCESS_KEY": "access",
    "S3_SECRET_KEY": "secret",
    "S3_BUCKET": "ticket-export",
}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower() in WorkerSettings.model_fields:
            monkeypatch.delenv(name)
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)


def test_the_rest_has_the_values_of_the_design() -> None:
    settings = load(WorkerSettings)
    assert (settings.worker_slots, settings.sweep_seconds, settings.max_attempts) == (2, 1.0, 5)
    assert (settings.backoff_first_seconds, settings.backoff_longest_seconds) == (1.0, 60.0)
    assert (settings.max_tasks_per_job, settings.max_source_connections) == (8, 16)
    assert (settings.part_bytes, settings.page_rows) == (8 * MEBIBYTE, 200_000)
    assert (settings.lease_seconds, settings.lease_renewal_seconds, settings.lease_margin_seconds) == (15.0, 3.0, 3.0)
    assert (settings.max_running_jobs_per_person, settings.max_job_age_seconds) == (5, 24 * 3600)
    assert (settings.copy_stall_seconds, settings.drain_seconds, settings.file_life_hours) == (30.0, 30.0, 72.0)
    assert (settings.health_host, settings.health_port) == ("127.0.0.1", 8081)


@pytest.mark.parametrize("name", NEEDED)
def test_what_is_needed_is_asked_for(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.delenv(name)
    with pytest.raises(SettingsError, match=f"{name}: is not set"):
        load(WorkerSettings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WORKER_SLOTS", "0"),
        ("WORKER_SLOTS", "33"),
        ("WORKER_SLOTS", "many"),
        ("SWEEP_SECONDS", "0"),
        ("MAX_ATTEMPTS", "0"),
        ("BACKOFF_FIRST_SECONDS", "-1"),
        ("MAX_TASKS_PER_JOB", "65"),
        ("MAX_SOURCE_CONNECTIONS", "0"),
        ("PART_BYTES", str(LEAST_PART_BYTES - 1)),
        ("PAGE_ROWS", "99"),
        ("COPY_STALL_SECONDS", "0"),
        ("HEALTH_PORT", "65536"),
    ],
)
def test_what_cannot_work_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=f"{name}: "):
        load(WorkerSettings)


def test_a_part_is_never_too_small_for_s3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PART_BYTES", str(LEAST_PART_BYTES))
    assert load(WorkerSettings).part_bytes == LEAST_PART_BYTES
