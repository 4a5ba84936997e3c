"""Everything that a migration or an installation may change in a database, as text to be compared."""

import asyncpg

_OBJECTS = """
SELECT format('%s %s %s %s', n.nspname, c.relname, c.relkind, c.relacl) FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ANY ($1)
UNION ALL
SELECT format('%s.%s %s %s %s', c.oid::regclass, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attacl)
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY ($1) AND a.attnum > 0
UNION ALL
SELECT format('%s %s', pg_get_functiondef(p.oid), p.proacl) FROM pg_proc p
    JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = ANY ($1)
UNION ALL
SELECT format('%s %s', pg_get_triggerdef(t.oid), t.tgenabled) FROM pg_trigger t
    JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ANY ($1)
UNION ALL
SELECT format('%s %s', pg_get_indexdef(i.indexrelid), i.indisvalid) FROM pg_index i
    JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ANY ($1)
UNION ALL
SELECT format('%s %s', n.nspname, n.nspacl) FROM pg_namespace n WHERE n.nspname = ANY ($1)
UNION ALL
SELECT format('%s %s', r.rolname, r.rolcanlogin) FROM pg_roles r
ORDER BY 1
"""


async def describe(connection: asyncpg.Connection, *schemas: str) -> list[str]:
    return [row[0] for row in await connection.fetch(_OBJECTS, list(schemas))]
