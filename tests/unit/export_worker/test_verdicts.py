"""What an error means for its task."""

import asyncpg
import pytest

from export_worker.documents import PlanHints
from export_worker.errors import (
    AttemptsExhaustedError,
    CountedError,
    ExhaustedError,
    InternalError,
    LeaseLostError,
    PermanentError,
    ReplanError,
    RowCountError,
    SchemaChangedError,
    SnapshotLostError,
    SourceError,
    StorageFullError,
    StorageRefusedTaskError,
    TaskError,
    TooLargeError,
    TooOldError,
    UnreachableError,
)
from export_worker.run import classify
from export_worker.source import SourceFailure
from ticket_export.storage.errors import ClockSkewError, LeaseExpiredError, StorageRefusedError, StorageUnavailableError


class PrunedError(asyncpg.PostgresError):
    sqlstate = "TX001"


class YoungError(asyncpg.PostgresError):
    sqlstate = "TX002"


class BrokenVersioningError(asyncpg.PostgresError):
    sqlstate = "TX003"


VERDICTS: list[tuple[Exception, type[TaskError]]] = [
    # S3
    (StorageUnavailableError("S3 failed PutObject: 503 SlowDown"), UnreachableError),
    (ClockSkewError("this machine's clock differs from S3's by 3600 s"), UnreachableError),
    (LeaseExpiredError("the lease ended during PutObject"), UnreachableError),
    (StorageRefusedError("PutObject", 403, "AccessDenied"), StorageRefusedTaskError),
    (StorageRefusedError("UploadPart", 404, "NoSuchUpload"), StorageRefusedTaskError),
    (StorageRefusedError("PutObject", 507, "no code"), StorageFullError),
    (StorageRefusedError("PutObject", 503, "XMinioStorageFull"), StorageFullError),
]

SOURCE_VERDICTS: list[tuple[Exception, type[TaskError]]] = [
    # The helpdesk's database says no
    (asyncpg.UndefinedTableError("x"), SourceError),
    (asyncpg.InsufficientPrivilegeError("x"), SourceError),
    (asyncpg.QueryCanceledError("x"), SourceError),
    (asyncpg.InvalidDatetimeFormatError("x"), SourceError),
    # It is not there, or another time may do
    (asyncpg.ConnectionDoesNotExistError("x"), UnreachableError),
    (asyncpg.ConnectionFailureError("x"), UnreachableError),
    (asyncpg.AdminShutdownError("x"), UnreachableError),
    (asyncpg.DeadlockDetectedError("x"), UnreachableError),
    (asyncpg.SerializationError("x"), UnreachableError),
    (asyncpg.CrashShutdownError("x"), UnreachableError),
    (asyncpg.CannotConnectNowError("x"), UnreachableError),
    (asyncpg.TooManyConnectionsError("x"), UnreachableError),
    (asyncpg.OutOfMemoryError("x"), UnreachableError),
    (asyncpg.DiskFullError("x"), UnreachableError),
    (asyncpg.PostgresIOError("x"), UnreachableError),
    (asyncpg.InterfaceError("connection is closed"), UnreachableError),
    (ConnectionRefusedError(), UnreachableError),
    (ConnectionResetError(), UnreachableError),
    (TimeoutError(), UnreachableError),
    (OSError(113, "no route to host"), UnreachableError),
    # It has not what the snapshot needs
    (PrunedError("x"), SnapshotLostError),
    (YoungError("x"), SnapshotLostError),
    (BrokenVersioningError("x"), SnapshotLostError),
]


@pytest.mark.parametrize(
    ("error", "verdict"),
    VERDICTS,
    ids=[f"{type(error).__name__}-{number}" for number, (error, _) in enumerate(VERDICTS)],
)
def test_verdicts(error: Exception, verdict: type[TaskError]) -> None:
    assert type(classify(error)) is verdict


@pytest.mark.parametrize(
    ("error", "verdict"),
    SOURCE_VERDICTS,
    ids=[f"{type(error).__name__}-{number}" for number, (error, _) in enumerate(SOURCE_VERDICTS)],
)
def test_verdicts_on_what_the_helpdesks_database_does(error: Exception, verdict: type[TaskError]) -> None:
    assert type(classify(SourceFailure(error))) is verdict


@pytest.mark.parametrize(("error", "verdict"), SOURCE_VERDICTS)
def test_the_jobs_database_is_never_taken_for_the_helpdesks(error: Exception, verdict: type[TaskError]) -> None:
    expected = UnreachableError if verdict is UnreachableError else InternalError
    assert type(classify(error)) is expected


def test_a_connection_that_broke_for_want_of_memory_counts() -> None:
    lost = asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")
    lost.__cause__ = MemoryError()
    failure = SourceFailure(lost)
    failure.__cause__ = lost
    assert type(classify(failure)) is type(classify(MemoryError())) is ExhaustedError
    assert isinstance(classify(failure), CountedError)


@pytest.mark.parametrize("error", [KeyError("x"), ValueError("x"), RuntimeError("x")])
def test_a_fault_of_ours_ends_with_the_attempts(error: Exception) -> None:
    assert type(classify(error)) is InternalError
    assert isinstance(classify(error), CountedError)


@pytest.mark.parametrize(
    "error", [LeaseLostError("x"), ReplanError("x", PlanHints(part_bytes=7)), RowCountError("x"), UnreachableError("x")]
)
def test_a_verdict_stays_one(error: TaskError) -> None:
    assert classify(error) is error


def test_every_verdict_has_a_code_and_words_of_its_own_for_people() -> None:
    shown = [
        AttemptsExhaustedError,
        RowCountError,
        SchemaChangedError,
        SnapshotLostError,
        SourceError,
        StorageFullError,
        StorageRefusedTaskError,
        TooLargeError,
        TooOldError,
    ]
    assert len({kind.code for kind in shown}) == len({kind.safe_message for kind in shown}) == len(shown)
    assert all(issubclass(kind, PermanentError | CountedError) for kind in shown)
    assert not any(issubclass(kind, PermanentError | CountedError) for kind in (LeaseLostError, UnreachableError))


def test_what_people_see_says_nothing_of_the_inside() -> None:
    secret = "postgresql://reader:hunter2@db/helpdesk"
    for error in (
        SourceFailure(asyncpg.UndefinedTableError(secret)),
        StorageRefusedError("PutObject", 403, "AccessDenied"),
    ):
        assert "hunter2" not in classify(error).safe_message
        assert "403" not in classify(error).safe_message
