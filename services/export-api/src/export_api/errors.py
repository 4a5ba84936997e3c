"""What can go wrong here, in words that may be shown to whoever asked; no HTTP in it (``http/problems.py`` maps it)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from ticket_export.views.faults import ViewFault


class ExportApiError(Exception):
    """The request could not be carried out."""

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail or type(self).__doc__)


class NotSignedInError(ExportApiError):
    """No valid bearer token came with the request."""


class NotAllowedError(ExportApiError):
    """The person lacks the right to do this."""


class UnknownPersonError(NotAllowedError):
    """The token is valid, but it names no active member of staff."""


class ForgedRequestError(ExportApiError):
    """The request came from another site or an old page. Go back, load the page again and retry."""


class NotFoundError(ExportApiError):
    """There is nothing here for you."""


class ViewNotFoundError(NotFoundError):
    """There is no such view, or it is somebody else's private one."""


class ExportNotFoundError(NotFoundError):
    """There is no such export, or it is not yours to see."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a request; ``place`` names it: ("pointer", "/columns") or ("parameter", "limit")."""

    place: tuple[str, str]
    detail: str


class InvalidRequestError(ExportApiError):
    """The request has unknown or malformed parts."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__()
        self.faults = faults

    @classmethod
    def of(cls, faults: Iterable[ViewFault]) -> Self:
        """Name faults of a body by their JSON pointers."""
        return cls(*(Fault(("pointer", fault.pointer), fault.detail) for fault in faults))


class IdempotencyConflictError(ExportApiError):
    """This Idempotency-Key was used for another request in the last 24 hours."""


class TooManyExportsError(ExportApiError):
    """You have as many unfinished exports as one person may have. Wait until one has finished."""

    retry_after_seconds = 30


class UnsupportedBodyError(ExportApiError):
    """The body has to be JSON, with Content-Type: application/json."""


class BodyTooLargeError(ExportApiError):
    """The body is larger than any request needs."""


class UntrustedHostError(ExportApiError):
    """This server does not answer under that host name (TRUSTED_HOSTS lists those that it does)."""


class NotReadyError(ExportApiError):
    """The export has not finished yet."""


class AlreadyEndedError(ExportApiError):
    """The export has ended already."""


class NotRetryableError(ExportApiError):
    """Only an export that failed, was cancelled or has expired can be retried."""


class AlreadyRetriedError(ExportApiError):
    """Somebody else has retried this export already. Request the view again instead."""


class NoFileError(ExportApiError):
    """The export ended without a file."""


class FileExpiredError(ExportApiError):
    """The file has reached the end of its life and is gone. Request a new export."""


class UnavailableError(ExportApiError):
    """Something that is needed cannot be reached right now. Try again in a moment."""

    retry_after_seconds = 5


class DatabaseUnavailableError(UnavailableError):
    """The database cannot be reached right now. Try again in a moment."""


class SourceUnpreparedError(UnavailableError):
    """The helpdesk's tables are not prepared for exports. An operator has to look at it."""


class SourceRestoredError(SourceUnpreparedError):
    """The helpdesk's database was restored from another one. Exports wait for an operator: `ticket-export source rebase`."""


class SourceMovedError(UnavailableError):
    """The helpdesk's database has just moved to another server. Try again in a moment."""

    retry_after_seconds = 1


class SourceIsStandbyError(UnavailableError):
    """The helpdesk's database is a standby right now; a moment can be captured on its primary only."""


class IdentityProviderUnavailableError(UnavailableError):
    """The identity provider's keys cannot be fetched right now. Try again in a moment."""
