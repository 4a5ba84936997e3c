"""Which tickets a member of staff may see at all: AND-ed into every statement, judged as of the snapshot.

Every staff member sees every ticket; soft-deleted ones are nobody's.
"""

from ticket_export.views.reading import Reading


def visibility(_: Reading) -> list[str]:
    """Return the conditions for the requester; they may name the ticket ``t`` and any table of the reading."""
    return ["t.deleted_at IS NULL"]
