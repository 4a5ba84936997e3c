"""Values and identifiers as SQL text. COPY takes no bind parameters, so this is the one place that quotes.

Identifiers come from registries and settings only; values from anywhere.
"""

from datetime import datetime

LONGEST_IDENTIFIER_BYTES = 63


def identifier(name: str) -> str:
    """Quote a name; raise ValueError for one that PostgreSQL cannot hold, or would cut without a word."""
    if not name or "\x00" in name or len(name.encode()) > LONGEST_IDENTIFIER_BYTES:
        raise ValueError(f"an identifier has 1 to {LONGEST_IDENTIFIER_BYTES} bytes, none of them NUL")
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """Quote a text value, right for every setting of ``standard_conforming_strings``."""
    if "\x00" in value:
        raise ValueError("PostgreSQL's text cannot hold NUL")
    escaped = value.replace("\\", "\\\\").replace("'", "''")
    return f"E'{escaped}'" if "\\" in value else f"'{escaped}'"


def timestamp(value: datetime) -> str:
    """Quote an instant with its microseconds; raise ValueError for a naive one."""
    if value.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return f"{text(value.isoformat())}::timestamptz"
