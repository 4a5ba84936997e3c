"""How text is compared: the ICU root collation for order and for lower(), whatever the source's default is."""

ROOT_COLLATION = 'pg_catalog."und-x-icu"'


def ordered(expression: str) -> str:
    """Return the text expression with the order of the root collation."""
    return f"({expression}) COLLATE {ROOT_COLLATION}"


def folded(expression: str) -> str:
    """Return the text expression without regard to case."""
    return f"lower(({expression}) COLLATE {ROOT_COLLATION})"
