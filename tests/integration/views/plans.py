"""What PostgreSQL really did for a statement, node by node."""

import json
from collections.abc import Iterator
from typing import Any, TypeAlias

from ticket_export.database.connection import Connection

Plan: TypeAlias = list[dict[str, Any]]


async def explain(connection: Connection, statement: str) -> Plan:
    """Run the statement and return the nodes of its plan, top first."""
    found = await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}")
    return list(_nodes(json.loads(found)[0]["Plan"]))


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)


def scans_of(plan: Plan, table: str) -> Plan:
    """Return the nodes that read the table."""
    return [node for node in plan if node.get("Relation Name") == table]


def plan_rows(node: dict[str, Any]) -> int:
    """Return how many rows a node gave, all its runs together."""
    return int(node["Actual Rows"] * node["Actual Loops"])


def rows_read(plan: Plan, table: str) -> int:
    """Return how many rows of the table were looked at, those that a filter removed included."""
    return sum(plan_rows(node) + _removed(node) for node in scans_of(plan, table))


def _removed(node: dict[str, Any]) -> int:
    return int(node.get("Rows Removed by Filter", 0) * node["Actual Loops"])
