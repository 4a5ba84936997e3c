"""Builds the indexes that reading as of a snapshot needs, without holding the host up."""

from export_ops.source import catalog
from export_ops.source.generate import Index, history_indexes, live_indexes
from export_ops.source.session import Session
from ticket_export.source_contract import SourceTable
from ticket_export.views.literals import identifier


async def ensure_indexes(session: Session, table: SourceTable) -> None:
    """Build what the table and its history lack; one that the host has by another name will do."""
    connection, schemas = session.connection, session.schemas
    for index in (*history_indexes(table), *live_indexes(table)):
        if await catalog.has_index(connection, schemas.source, index.relation, index.columns):
            continue
        session.report(f"{index.relation}: building an index on {', '.join(index.columns)}")
        parts = await catalog.leaves(connection, schemas.source, index.relation)
        for schema, relation in parts:
            await _build_concurrently(session, schema, Index(relation, index.columns))
        if parts != [(schemas.source, index.relation)]:
            # Quick, though not concurrent: every partition has its part by now.
            await session.in_transaction(index.relation, index.create(schemas.source, concurrently=False))


async def _build_concurrently(session: Session, schema: str, index: Index) -> None:
    connection = session.connection
    if await catalog.has_index(connection, schema, index.relation, index.columns):
        return
    if await catalog.is_unfinished(connection, schema, index.name):
        await connection.execute(f"DROP INDEX CONCURRENTLY {identifier(schema)}.{identifier(index.name)}")
    await connection.execute(index.create(schema, concurrently=True))
