"""The schema of exports and the roles: repeatable, all or nothing, and with no more rights than needed."""

import asyncio
import secrets
from collections.abc import AsyncIterator

import asyncpg
import pytest
from pydantic import SecretStr

from integration.database.catalog import describe
from support.installation import Installation
from ticket_export.migrations import ROLES, MigrationError, migrate
from ticket_export.migrations.roles import RoleError, ensure_role

JOB = """
INSERT INTO jobs (id, requester_id, requester_roles, requester_permissions, requester_is_admin, view_id, view_name,
    payload, snapshot, snapshot_mode, schema_signature, requested_at)
VALUES (gen_random_uuid(), gen_random_uuid(), '{}', 512, false, 'all', 'All', '{}', '1:1:', 'exact', '', now())
"""
REVISIONS = ["0001", "0002", "0003", "0004", "0005"]
AUDIT = "INSERT INTO audit_log (event_id, action, outcome) VALUES (gen_random_uuid(), 'export.requested', 'success')"


@pytest.fixture
async def throwaway_role(database: Installation) -> AsyncIterator[str]:
    role = f"r_{secrets.token_hex(4)}"
    yield role
    owner = await database.connect()
    await owner.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")
    await owner.close()


async def test_migrating_again_changes_nothing(empty_database: Installation) -> None:
    owner = await empty_database.connect()
    assert await migrate(empty_database.admin_url, schema="exports", role_passwords={}) == REVISIONS
    before = await describe(owner, "exports")
    assert await migrate(empty_database.admin_url, schema="exports", role_passwords={}) == []
    assert await describe(owner, "exports") == before
    await owner.close()


async def test_several_schemas_and_databases_may_be_migrated_at_once(
    empty_database: Installation, database: Installation
) -> None:
    """Roles belong to the cluster, so they meet there; schemas of one database must not."""
    passwords = {"ticket_export_app": SecretStr(database.servers.credentials.app_password)}
    names = ("exports", 'Odd "name": %s {schema}', "exports")
    results = await asyncio.gather(
        *(
            migrate(url, schema=name, role_passwords=passwords)
            for url in (empty_database.admin_url, database.admin_url)
            for name in names
        )
    )
    assert sorted(map(len, results[:3])) == [0, len(REVISIONS), len(REVISIONS)], (
        "of two migrators of one schema, one finds the work done"
    )
    assert [len(applied) for applied in results[3:]] == [0, len(REVISIONS), 0]


async def test_a_failed_migration_leaves_nothing(empty_database: Installation) -> None:
    owner = await empty_database.connect()
    await owner.execute("CREATE SCHEMA exports; CREATE TABLE exports.files (id int)")
    with pytest.raises(MigrationError, match='"files" already exists'):
        await migrate(empty_database.admin_url, schema="exports", role_passwords={})
    left = await owner.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'exports'")
    assert [row["tablename"] for row in left] == ["files"]
    await owner.close()


async def test_a_schema_of_a_newer_release_is_left_alone(database: Installation) -> None:
    owner = await database.connect()
    await owner.execute("UPDATE exports.alembic_version SET version_num = '9999'")
    with pytest.raises(MigrationError, match="exports is at a revision that this release doesn't know"):
        await migrate(database.admin_url, schema="exports", role_passwords={})
    await owner.close()


async def test_a_wrong_address_is_an_error_without_the_password(empty_database: Installation) -> None:
    right = empty_database.admin_url
    for wrong in ("postgresql://nobody:hush-hush@127.0.0.1:1/x", right.replace("postgres:", "nobody:hush-hush")):
        with pytest.raises(MigrationError) as caught:
            await migrate(wrong, schema="exports", role_passwords={})
        assert "hush-hush" not in str(caught.value)


async def test_a_role_logs_in_with_its_password_which_the_server_never_sees(
    database: Installation, throwaway_role: str
) -> None:
    core = secrets.token_hex(8)
    password = f"it's {core}%$\\"
    owner = await asyncpg.connect(database.admin_url, server_settings={"log_statement": "all"})
    await ensure_role(owner, throwaway_role, None)
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
        await asyncpg.connect(database.admin_url, user=throwaway_role, password=password)
    await ensure_role(owner, throwaway_role, SecretStr(password))
    login = await asyncpg.connect(database.admin_url, user=throwaway_role, password=password)
    assert await login.fetchval("SELECT current_user") == throwaway_role
    await login.close()
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(database.admin_url, user=throwaway_role, password=password + "x")
    await ensure_role(owner, throwaway_role, None)
    assert await owner.fetchval("SELECT rolcanlogin FROM pg_roles WHERE rolname = $1", throwaway_role)
    await owner.close()
    log = database.servers.postgres.log.read_text()
    assert f'ALTER ROLE "{throwaway_role}" LOGIN PASSWORD' in log
    assert core not in log


@pytest.mark.parametrize("password", ["", "pässword"])
async def test_a_password_that_cannot_be_is_refused_before_anything_is_done(
    empty_database: Installation, password: str
) -> None:
    with pytest.raises(RoleError, match="the password of ticket_export_app must be non-empty ASCII"):
        await migrate(
            empty_database.admin_url, schema="exports", role_passwords={"ticket_export_app": SecretStr(password)}
        )
    with pytest.raises(RoleError, match="unknown roles: somebody"):
        await migrate(empty_database.admin_url, schema="exports", role_passwords={"somebody": SecretStr("x")})


async def test_the_app_may_append_to_the_audit_and_keep_jobs_but_never_take_away(database: Installation) -> None:
    app = await database.connect(database.app_url)
    await app.execute(JOB)
    await app.execute(AUDIT)
    await app.execute("UPDATE jobs SET view_name = 'x'")
    for forbidden in (
        "UPDATE audit_log SET action = 'x'",
        "DELETE FROM audit_log",
        "TRUNCATE audit_log",
        "DELETE FROM jobs",
        "TRUNCATE jobs CASCADE",
        "DROP TABLE jobs",
        "UPDATE controls SET value = '{}'",
        "CREATE TABLE exports.mine (id int)",
    ):
        # Refused by the grants already, before the trigger on the audit could.
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match=r"permission denied|must be owner"):
            await app.execute(forbidden)
    await app.close()


async def test_retention_may_take_away(database: Installation) -> None:
    app = await database.connect(database.app_url)
    await app.execute(JOB)
    await app.execute(AUDIT)
    await app.close()
    retention = await database.connect(database.retention_url)
    await retention.execute("UPDATE audit_log SET client_address = NULL")
    assert await retention.execute("DELETE FROM audit_log") == "DELETE 1"
    assert await retention.execute("DELETE FROM jobs") == "DELETE 1"
    for forbidden in (JOB, "DROP TABLE audit_log"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await retention.execute(forbidden)
    await retention.close()


async def test_even_the_owner_cannot_change_the_audit_by_the_way(database: Installation, throwaway_role: str) -> None:
    owner = await database.connect()
    await ensure_role(owner, throwaway_role, None)
    await owner.execute(AUDIT)
    await owner.execute(f"GRANT USAGE ON SCHEMA exports TO {throwaway_role}")
    await owner.execute(f"ALTER TABLE audit_log OWNER TO {throwaway_role}; SET ROLE {throwaway_role}")
    for forbidden in ("UPDATE audit_log SET action = 'x'", "DELETE FROM audit_log", "TRUNCATE audit_log"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
            await owner.execute(forbidden)
    await owner.execute("RESET ROLE; ALTER TABLE audit_log OWNER TO postgres")
    await owner.close()


async def test_the_roles_of_the_source_see_nothing_of_exports(database: Installation) -> None:
    owner = await database.connect()
    rows = await owner.fetch(
        "SELECT role FROM unnest($1::text[]) role WHERE has_schema_privilege(role, 'exports', 'USAGE')", list(ROLES)
    )
    assert {row["role"] for row in rows} == {"ticket_export_app", "ticket_export_retention"}
    await owner.close()
