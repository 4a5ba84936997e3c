"""The opaque text by which a client asks for the page after the one that it has."""

import base64
import binascii
from datetime import UTC, datetime
from uuid import UUID

from export_api.errors import Fault, InvalidRequestError
from export_api.queries.jobs import PageKey


def write_cursor(key: PageKey | None) -> str | None:
    """Return the cursor of the page after ``key``; None after the last."""
    if key is None:
        return None
    return base64.urlsafe_b64encode(f"{key.requested_at.isoformat()} {key.id}".encode()).decode().rstrip("=")


def read_cursor(text: str | None) -> PageKey | None:
    """Read a cursor; raise InvalidRequestError for anything that we did not write."""
    if text is None:
        return None
    try:
        at, _, job_id = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii").partition(" ")
        return PageKey(datetime.fromisoformat(at).astimezone(UTC), UUID(job_id))
    except (ValueError, OverflowError, binascii.Error) as error:
        raise InvalidRequestError(Fault(("parameter", "cursor"), "is not a cursor of this list")) from error
