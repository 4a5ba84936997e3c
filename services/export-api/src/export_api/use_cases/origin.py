"""Where a request came from, as the audit log keeps it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Origin:
    """The verified subject of the token or session, the client's address and the id of the request."""

    subject: str
    client_address: str | None
    request_id: str
