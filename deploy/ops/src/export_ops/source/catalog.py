"""What the source's catalog says about the contract's tables, and what stands in the way of versioning them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import asyncpg

from export_ops.source.generate import Schemas
from ticket_export.source_contract import VALID_FROM, SourceTable

# One row per table asked for; $1 schema, $2 names.
_TABLES = """
SELECT asked.name,
       to_regclass(format('%I.%I', $1::text, asked.name || '_history')) IS NOT NULL AS has_history,
       ARRAY(SELECT a.attname::text FROM pg_attribute a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
FROM unnest($2::text[]) asked (name)
JOIN pg_namespace n ON n.nspname = $1
JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = asked.name AND c.relkind IN ('r', 'p')
"""

# The leaves of a partitioned table, or the table itself; $1 schema, $2 table.
_LEAVES = """
SELECT n.nspname::text AS schema, c.relname::text AS name
FROM (SELECT to_regclass(format('%I.%I', $1::text, $2::text)) AS oid) root
JOIN LATERAL (SELECT p.relid FROM pg_partition_tree(root.oid) p WHERE p.isleaf
              UNION SELECT root.oid FROM pg_class r WHERE r.oid = root.oid AND r.relkind = 'r') leaf ON true
JOIN pg_class c ON c.oid = leaf.relid
JOIN pg_namespace n ON n.oid = c.relnamespace
ORDER BY 1, 2
"""

# Whether some valid, complete B-tree index starts with these columns in one direction; $1 schema, $2 table, $3 columns.
_HAS_INDEX = """
SELECT EXISTS (
    SELECT FROM pg_index i
    JOIN pg_class x ON x.oid = i.indexrelid
    JOIN pg_am am ON am.oid = x.relam AND am.amname = 'btree'
    WHERE i.indrelid = to_regclass(format('%I.%I', $1::text, $2::text))
      AND i.indisvalid AND i.indpred IS NULL
      AND $3::text[] = ARRAY(
          SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY k (attnum, place)
          JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
          WHERE k.place <= cardinality($3::text[]) ORDER BY k.place)
      AND 1 = (SELECT count(DISTINCT o.flags) FROM unnest(i.indoption::int2[]) WITH ORDINALITY o (flags, place)
               WHERE o.place <= cardinality($3::text[])))
"""

# Whether an index that nobody finished building bears the name; $1 schema, $2 name.
_IS_UNFINISHED = """
SELECT EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass(format('%I.%I', $1::text, $2::text))
               AND NOT indisvalid)
"""


@dataclass(frozen=True, slots=True)
class TableState:
    """A table as the host has it, and as we installed it (None: not yet)."""

    columns: frozenset[str]
    has_history: bool
    installed_columns: tuple[str, ...] | None


async def read_states(
    connection: asyncpg.Connection, schemas: Schemas, tables: Sequence[SourceTable]
) -> dict[str, TableState]:
    """Return the state of each table that exists, by name."""
    found = await connection.fetch(_TABLES, schemas.source, [table.name for table in tables])
    installed = await connection.fetch(
        f"SELECT table_name, columns FROM {schemas.ours('installs')} WHERE table_schema = $1",  # noqa: S608
        schemas.source,
    )
    columns = {row["table_name"]: tuple(row["columns"]) for row in installed}
    return {
        row["name"]: TableState(frozenset(row["columns"]), row["has_history"], columns.get(row["name"]))
        for row in found
    }


def obstacles(tables: Iterable[SourceTable], states: dict[str, TableState]) -> list[str]:
    """Return, in words, why tables cannot be versioned as they are; empty when all can."""
    found = unmendable(tables, states)
    for table in tables:
        state = states.get(table.name)
        if table.name not in found and state and state.installed_columns not in (None, table.column_names):
            found[table.name] = f"{table.name}: it was versioned with other columns; `ticket-export source sync` helps"
    return list(found.values())


def unmendable(tables: Iterable[SourceTable], states: dict[str, TableState]) -> dict[str, str]:
    """Return, in words and by table, what only the host can mend."""
    reasons = {table.name: _obstacle(table, states.get(table.name)) for table in tables}
    return {name: f"{name}: {reason}" for name, reason in reasons.items() if reason}


def _obstacle(table: SourceTable, state: TableState | None) -> str | None:
    if state is None:
        return "there is no such table"
    missing = [name for name in table.column_names if name not in state.columns]
    if missing:
        return f"it lacks {', '.join(missing)}"
    if state.installed_columns is not None:
        return None
    if VALID_FROM in state.columns:
        return f"it has a column {VALID_FROM} that is not ours"
    return f"{table.history} exists and is not ours" if state.has_history else None


async def leaves(connection: asyncpg.Connection, schema: str, table: str) -> list[tuple[str, str]]:
    """Return schema and name of each relation that holds rows of the table."""
    return [(row["schema"], row["name"]) for row in await connection.fetch(_LEAVES, schema, table)]


async def has_index(connection: asyncpg.Connection, schema: str, relation: str, columns: Sequence[str]) -> bool:
    """Tell whether a usable index starts with these columns."""
    return bool(await connection.fetchval(_HAS_INDEX, schema, relation, list(columns)))


async def is_unfinished(connection: asyncpg.Connection, schema: str, index: str) -> bool:
    """Tell whether the name belongs to what an interrupted CREATE INDEX CONCURRENTLY left behind."""
    return bool(await connection.fetchval(_IS_UNFINISHED, schema, index))


async def installed(connection: asyncpg.Connection, schemas: Schemas) -> list[str]:
    """Return the names of the tables that are versioned."""
    rows = await connection.fetch(
        f"SELECT table_name FROM {schemas.ours('installs')} WHERE table_schema = $1 ORDER BY 1",  # noqa: S608
        schemas.source,
    )
    return [row["table_name"] for row in rows]


async def faults(connection: asyncpg.Connection, schemas: Schemas) -> dict[str, list[str]]:
    """Return, in words and by table, why versioned tables cannot be trusted any more."""
    rows = await connection.fetch(
        f"SELECT table_name, reason FROM {schemas.ours('unversioned')} WHERE table_schema = $1 ORDER BY 1, 2",  # noqa: S608
        schemas.source,
    )
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row["table_name"], []).append(row["reason"])
    return found


async def broken_tables(connection: asyncpg.Connection, schemas: Schemas) -> list[str]:
    """Return them as lines of text."""
    found = await faults(connection, schemas)
    return [f"{name}: {reason}" for name, reasons in found.items() for reason in reasons]
