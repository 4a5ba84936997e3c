"""Which tickets anybody may see at all: AND-ed into every statement, judged as of the snapshot.

Every staff member sees every ticket; soft-deleted ones are nobody's.
"""

VISIBILITY: tuple[str, ...] = ("t.deleted_at IS NULL",)
