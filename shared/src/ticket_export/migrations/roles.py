"""The five database roles; they belong to the cluster, so several databases may create them at the same time.

A password never reaches the server: it is told the SCRAM verifier, so neither its log nor an error can show one.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping

import asyncpg
from pydantic import SecretStr

from ticket_export.views.literals import identifier

APP = "ticket_export_app"
RETENTION = "ticket_export_retention"
SOURCE_READER = "ticket_export_source_reader"
SOURCE_PRUNER = "ticket_export_source_pruner"
INSTALLER = "ticket_export_installer"

ROLES = (APP, RETENTION, SOURCE_READER, SOURCE_PRUNER, INSTALLER)

# RFC 5802 and PostgreSQL's own defaults (scram_iterations, SCRAM_DEFAULT_SALT_LEN).
_ITERATIONS = 4096
_SALT_BYTES = 16

# What the loser of a race over pg_authid is told; the winner has committed by then, so the next look finds its work.
_RACES = (asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError, asyncpg.InternalServerError)
_ATTEMPTS = 20


class MigrationError(Exception):
    """The database cannot be brought up to date; the text shows no password."""


class RoleError(MigrationError):
    """A role cannot be created as asked."""


async def ensure_roles(connection: asyncpg.Connection, passwords: Mapping[str, SecretStr]) -> None:
    """Create the roles that are missing; those with a password may log in, the others are left as they are.

    Raises RoleError for an unknown role or a password that is empty or not ASCII.
    """
    unknown = sorted(set(passwords) - set(ROLES))
    if unknown:
        raise RoleError(f"unknown roles: {', '.join(unknown)}")
    for role in ROLES:
        await ensure_role(connection, role, passwords.get(role))


async def ensure_role(connection: asyncpg.Connection, role: str, password: SecretStr | None) -> None:
    """Create one role if it is missing; with a password it may log in, without one it stays as it is.

    Raises RoleError for a password that is empty or not ASCII.
    """
    verifier = None if password is None else scram_verifier(role, password)
    for attempt in range(_ATTEMPTS):
        try:
            if not await connection.fetchval("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", role):
                await connection.execute(f"CREATE ROLE {identifier(role)} NOLOGIN")
            if verifier is not None:
                await connection.execute(f"ALTER ROLE {identifier(role)} LOGIN PASSWORD '{verifier}'")
        except _RACES:
            if attempt + 1 == _ATTEMPTS:
                raise
        else:
            return


def scram_verifier(role: str, password: SecretStr) -> str:
    """Return what PostgreSQL stores for a SCRAM-SHA-256 password (RFC 5802), with a new salt.

    Raises RoleError for an empty password and, since SASLprep would change it, for one that is not ASCII.
    """
    text = password.get_secret_value()
    if not text or not text.isascii():
        raise RoleError(f"the password of {role} must be non-empty ASCII")
    salt = secrets.token_bytes(_SALT_BYTES)
    salted = hashlib.pbkdf2_hmac("sha256", text.encode(), salt, _ITERATIONS)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    stored_key = hashlib.sha256(client_key).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    shown = (base64.b64encode(value).decode() for value in (salt, stored_key, server_key))
    return "SCRAM-SHA-256${}:{}${}:{}".format(_ITERATIONS, *shown)
