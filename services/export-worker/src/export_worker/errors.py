"""Why a task ended without its result, by what follows from it."""

from export_worker.documents import PlanHints
from ticket_export.jobs import TOO_OLD_CODE, TOO_OLD_MESSAGE


class TaskError(Exception):
    """Base: ``code`` is stable and goes into the job, ``safe_message`` may be shown to people."""

    code = "internal"
    safe_message = "The export could not be finished because of an internal error."


class LeaseLostError(TaskError):
    """Another worker may hold the task now, or the job has ended: stop, write nothing more."""


class PermanentError(TaskError):
    """Trying again cannot help: the job fails."""


class SchemaChangedError(PermanentError):
    """The helpdesk's tables changed under the snapshot."""

    code = "schema_changed"
    safe_message = "The helpdesk's tables were changed while the export ran. Please request it again."


class SnapshotLostError(PermanentError):
    """The rows of the snapshot are no longer kept."""

    code = "snapshot_lost"
    safe_message = (
        "The state of the helpdesk at the time of the request is no longer available. Please request it again."
    )


class SourceRestoredError(PermanentError):
    """The source is not what the snapshot was taken on."""

    code = "source_restored"
    safe_message = (
        "The helpdesk's database was restored or moved to another server after the request. Please request it again."
    )


class RowCountError(PermanentError):
    """The pages do not add up to the count: nothing is published."""

    code = "row_count_mismatch"
    safe_message = "The export did not add up and was not published. Please report the reference."


class TooLargeError(PermanentError):
    """More bytes than S3 can hold in one object."""

    code = "too_large"
    safe_message = "The export is larger than the object store can hold. Please narrow the view."


class TooOldError(PermanentError):
    """The job could not be finished within its greatest age."""

    code = TOO_OLD_CODE
    safe_message = TOO_OLD_MESSAGE


class AttemptsExhaustedError(PermanentError):
    """Every attempt ended without a word: its worker died each time."""

    code = "attempts_exhausted"
    safe_message = "The export failed repeatedly and was given up. Please report the reference."


class ReplanError(TaskError):
    """The plan cannot be carried out as it stands: make a new one under a new token, with what was learnt."""

    def __init__(self, reason: str, hints: PlanHints | None = None) -> None:
        super().__init__(reason)
        self.hints = hints or PlanHints()


class CountedError(TaskError):
    """A failure that counts as an attempt; the last one fails the job with this code."""


class StorageRefusedTaskError(CountedError):
    """S3 says no."""

    code = "storage_refused"
    safe_message = "The object store refused the file. Please report the reference."


class StorageFullError(CountedError):
    """S3 has no room."""

    code = "storage_full"
    safe_message = "The object store is full."


class SourceError(CountedError):
    """The helpdesk's database refused a statement."""

    code = "source_error"
    safe_message = "The helpdesk's database could not answer the export's query. Please report the reference."


class ExhaustedError(CountedError):
    """One step took more memory than the process may have; it went on living."""

    code = "out_of_memory"
    safe_message = "The export needs more memory than a worker has. Please narrow the view."


class InternalError(CountedError):
    """A mistake of ours, or something nobody thought of; code and message are the base's."""


class UnreachableError(TaskError):
    """A server cannot be reached: tried again until the job's greatest age, without counting."""

    code = "unreachable"
