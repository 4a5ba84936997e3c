"""The SQL that versions one table of the contract. Pure; what each piece keeps is said in docs/architecture.md."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from ticket_export.migrations.roles import SOURCE_PRUNER, SOURCE_READER
from ticket_export.source_contract import VALID_FROM, VALID_TO, SourceTable
from ticket_export.views.literals import identifier, text

# PostgreSQL cuts longer names off without a word.
_NAME_BYTES = 63


@dataclass(frozen=True, slots=True)
class Schemas:
    """Where the helpdesk's tables are, and where ours about them."""

    source: str
    bookkeeping: str

    def live(self, table: SourceTable) -> str:
        """The helpdesk's table."""
        return f"{identifier(self.source)}.{identifier(table.name)}"

    def history(self, table: SourceTable) -> str:
        """The table beside it with its old row versions."""
        return f"{identifier(self.source)}.{identifier(table.history)}"

    def ours(self, name: str) -> str:
        """An object of the bookkeeping schema."""
        return f"{identifier(self.bookkeeping)}.{identifier(name)}"

    def history_view(self, table: SourceTable) -> str:
        """The history by a name that stays when the host renames its schema."""
        return self.ours(f"{self.source}_{table.history}")

    def history_function(self, table: SourceTable) -> str:
        """The trigger function that fills the history."""
        return self.ours(f"hist_{self.source}_{table.name}")


@dataclass(frozen=True, slots=True)
class Index:
    """A plain B-tree index that reading as of a snapshot needs."""

    relation: str
    columns: tuple[str, ...]

    @property
    def name(self) -> str:
        """A name that tells what it is for; shortened with a hash where PostgreSQL would cut it."""
        full = "_".join((self.relation, *self.columns, "export"))
        digest = hashlib.sha256(full.encode()).hexdigest()[:8]
        return full if len(full) <= _NAME_BYTES else f"{full[: _NAME_BYTES - 9]}_{digest}"

    def create(self, schema: str, *, concurrently: bool) -> str:
        """Return the statement that builds it."""
        how = "CONCURRENTLY " if concurrently else ""
        columns = ", ".join(map(identifier, self.columns))
        return (
            f"CREATE INDEX {how}{identifier(self.name)} ON {identifier(schema)}.{identifier(self.relation)} ({columns})"
        )


def bookkeeping(schemas: Schemas) -> str:
    """Return the statements that create or renew what is not per table."""
    return _packaged("bookkeeping.sql", schemas)


def bookkeeping_mark(schemas: Schemas) -> str:
    """Return what tells whether those statements have been run."""
    return f"ticket-export {hashlib.sha256(bookkeeping(schemas).encode()).hexdigest()[:16]}"


def trigger_functions(schemas: Schemas) -> str:
    """Return the statements that create or renew the trigger functions that all tables share."""
    return _packaged("triggers.sql", schemas)


def _packaged(name: str, schemas: Schemas) -> str:
    sql = files("export_ops.source").joinpath(name).read_text(encoding="utf-8")
    return sql.replace("{schema}", identifier(schemas.bookkeeping))


def history_indexes(table: SourceTable) -> tuple[Index, ...]:
    """Return the indexes of the history: order, key, joins, and valid_to for pruning."""
    wanted = (table.order, table.key, *table.lookups, (VALID_TO,))
    return tuple(Index(table.history, columns) for columns in wanted if columns)


def live_indexes(table: SourceTable) -> tuple[Index, ...]:
    """Return the one index that the live table needs for us: its order. The host knows its own joins.

    There is never one on valid_from: it would end HOT updates.
    """
    return (Index(table.name, table.order),) if table.order else ()


def prepare_history(schemas: Schemas, table: SourceTable) -> str:
    """Return what comes before the live table is locked: history, its indexes, its grants and its function."""
    history, live = schemas.history(table), schemas.live(table)
    columns = ", ".join(map(identifier, table.column_names))
    indexes = "".join(f"{index.create(schemas.source, concurrently=False)};\n" for index in history_indexes(table))
    # Not LIKE: it would copy NOT NULL, also of columns that are not ours, and so make the host's writes fail later.
    return (
        f"CREATE TABLE {history} AS SELECT '3'::xid8 AS {VALID_TO}, {columns}, '3'::xid8 AS {VALID_FROM}"  # noqa: S608
        f" FROM {live} WITH NO DATA;\n"
        f"ALTER TABLE {history} ALTER {VALID_TO} SET NOT NULL, ALTER {VALID_FROM} SET NOT NULL;\n"
        f"{indexes}"
        f"CREATE VIEW {schemas.history_view(table)} AS SELECT * FROM {history};\n"
        f"{history_function(schemas, table)}"
    )


def history_function(schemas: Schemas, table: SourceTable) -> str:
    """Return the trigger function that keeps OLD, whatever the host has done to its table meanwhile.

    The first block copies column by column: 2 microseconds more than naming OLD's columns in the INSERT, which would
    make the host's write fail once a column is gone. It writes nothing, so its subtransaction takes no id. A session
    that knew a column under another type fails there; the slow way through jsonb doesn't mind. Going through the view
    costs 0.3 microseconds and finds the history under any name.
    """
    function, history = schemas.history_function(table), schemas.history_view(table)
    kept = (*table.column_names, VALID_FROM)
    copies = "\n".join(f"        kept.{identifier(name)} := OLD.{identifier(name)};" for name in kept)
    names = ", ".join(map(text, kept))
    return f"""
CREATE OR REPLACE FUNCTION {function}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $versioning$
DECLARE
    kept {history}%ROWTYPE;
BEGIN
    BEGIN
        -- Changed again by the transaction that wrote it: nobody else ever saw this version.
        IF OLD.{VALID_FROM} = pg_current_xact_id() THEN RETURN NULL; END IF;
{copies}
    EXCEPTION WHEN OTHERS THEN
        BEGIN
            IF NOT to_jsonb(OLD) ?& ARRAY[{names}] THEN RAISE undefined_column; END IF;
            kept := jsonb_populate_record(NULL::{history}, to_jsonb(OLD));
            IF kept.{VALID_FROM} = pg_current_xact_id() THEN RETURN NULL; END IF;
        EXCEPTION WHEN OTHERS THEN
            INSERT INTO {schemas.ours("gaps")} (table_schema, table_name, error)
            SELECT {text(schemas.source)}, {text(table.name)}, SQLSTATE
            WHERE NOT EXISTS (SELECT FROM {schemas.ours("gaps")} g
                WHERE g.table_schema = {text(schemas.source)} AND g.table_name = {text(table.name)});
            RETURN NULL;
        END;
    END;
    kept.{VALID_TO} := pg_current_xact_id();
    INSERT INTO {history} VALUES (kept.*);
    RETURN NULL;
END $versioning$;
REVOKE ALL ON FUNCTION {function}() FROM PUBLIC;
"""  # noqa: S608 - names from the contract and the settings


def version_table(schemas: Schemas, table: SourceTable) -> str:
    """Return what needs the live table's exclusive lock, and the record that it was done."""
    live = schemas.live(table)
    names = ", ".join(map(text, table.column_names))
    return f"""
ALTER TABLE {live} ADD COLUMN {VALID_FROM} xid8 NOT NULL DEFAULT '3'::xid8;
ALTER TABLE {live} ALTER {VALID_FROM} SET DEFAULT pg_current_xact_id();
CREATE TRIGGER zz_stamp BEFORE INSERT OR UPDATE ON {live}
    FOR EACH ROW EXECUTE FUNCTION {schemas.ours("stamp")}();
CREATE TRIGGER zz_hist AFTER UPDATE OR DELETE ON {live}
    FOR EACH ROW EXECUTE FUNCTION {schemas.history_function(table)}();
CREATE TRIGGER zz_trunc BEFORE TRUNCATE ON {live}
    FOR EACH STATEMENT EXECUTE FUNCTION {schemas.ours("refuse_truncate")}();
ALTER TABLE {live} ENABLE ALWAYS TRIGGER zz_stamp, ENABLE ALWAYS TRIGGER zz_hist, ENABLE ALWAYS TRIGGER zz_trunc;
{grant_reading(schemas, table)}
INSERT INTO {schemas.ours("installs")} (table_schema, table_name, columns)
VALUES ({text(schemas.source)}, {text(table.name)}, ARRAY[{names}]);
"""  # noqa: S608 - names from the contract and the settings


def grant_reading(schemas: Schemas, table: SourceTable) -> str:
    """Return the grants: the contract's columns for the reader, the history for reader and pruner, nothing else."""
    live, history = schemas.live(table), schemas.history(table)
    columns = ", ".join(map(identifier, (*table.column_names, VALID_FROM)))
    return (
        f"GRANT USAGE ON SCHEMA {identifier(schemas.source)} TO {SOURCE_READER}, {SOURCE_PRUNER};\n"
        f"GRANT SELECT ({columns}) ON {live} TO {SOURCE_READER};\n"
        f"GRANT SELECT ON {history} TO {SOURCE_READER};\n"
        f"GRANT SELECT, DELETE ON {history} TO {SOURCE_PRUNER};\n"
    )


def remove_versioning(schemas: Schemas, table: SourceTable) -> str:
    """Return what takes every trace of versioning off a table, whatever of it is there."""
    live = schemas.live(table)
    here = f"table_schema = {text(schemas.source)} AND table_name = {text(table.name)}"
    return f"""
DROP TRIGGER IF EXISTS zz_stamp ON {live};
DROP TRIGGER IF EXISTS zz_hist ON {live};
DROP TRIGGER IF EXISTS zz_trunc ON {live};
ALTER TABLE {live} DROP COLUMN IF EXISTS {VALID_FROM};
DROP FUNCTION IF EXISTS {schemas.history_function(table)}();
DROP VIEW IF EXISTS {schemas.history_view(table)};
DROP TABLE IF EXISTS {schemas.history(table)};
DELETE FROM {schemas.ours("installs")} WHERE {here};
DELETE FROM {schemas.ours("gaps")} WHERE {here};
"""  # noqa: S608 - names from the contract and the settings


def renew_versioning(schemas: Schemas, table: SourceTable) -> str:
    """Return what lets a table begin anew: every row always there, no history, refused to earlier snapshots."""
    return remove_versioning(schemas, table) + prepare_history(schemas, table) + version_table(schemas, table)


def void_snapshots(schemas: Schemas) -> str:
    """Return what makes every earlier snapshot one of another source."""
    return f"UPDATE {schemas.ours('identity')} SET epoch = epoch + 1"  # noqa: S608 - a name from the settings


def adopt_server(schemas: Schemas) -> str:
    """Return what makes this server the one whose transaction ids are stored, once no older id is left in any table."""
    return f"""
UPDATE {schemas.ours("identity")} i SET system_identifier = c.system_identifier, timeline_id = c.timeline_id,
    recorded_at = clock_timestamp() FROM {schemas.ours("cluster")}() c;
UPDATE {schemas.ours("horizon")} SET xid = '3';
DELETE FROM {schemas.ours("markers")};
"""  # noqa: S608 - names from the settings


def idle_functions(schemas: Schemas, tables: Sequence[tuple[Schemas, SourceTable]]) -> str:
    """Return what lets every trigger function do nothing and tells that there is a gap from now on."""

    def idle(function: str, result: str) -> str:
        return (
            f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql"
            f" AS $idle$ BEGIN RETURN {result}; END $idle$;\n"
        )

    functions = [idle(schemas.ours("stamp"), "NEW"), idle(schemas.ours("refuse_truncate"), "NULL")]
    functions += [idle(place.history_function(table), "NULL") for place, table in tables]
    installs = schemas.ours("installs")
    gap = f"UPDATE {installs} SET disabled_at = clock_timestamp() WHERE disabled_at IS NULL;\n"  # noqa: S608
    return "".join((*functions, gap))


def switch_triggers_off(schemas: Schemas, table: SourceTable) -> str:
    """Return what spares the host the calls; a trigger that is gone already is none to switch off."""
    live = schemas.live(table)
    return f"""
DO $off$
DECLARE name text;
BEGIN
    FOR name IN SELECT tgname FROM pg_catalog.pg_trigger
        WHERE tgrelid = {text(live)}::pg_catalog.regclass AND tgname IN ('zz_stamp', 'zz_hist', 'zz_trunc')
    LOOP
        EXECUTE pg_catalog.format('ALTER TABLE {live} DISABLE TRIGGER %I', name);
    END LOOP;
END $off$;
"""  # noqa: S608 - names from the contract and the settings
