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


class RoleError(Exception):
    """A role cannot be created as asked."""


async def ensure_roles(connection: asyncpg.Connection, passwords: Mapping[str, SecretStr]) -> None:
    """Create the roles that are missing; those with a password may log in, the others are left as they are.

    Raises RoleError for an unknown role or a password that is empty or not ASCII.
    """
    unknown = sorted(set(passwords) - set(ROLES))
    if unknown:
        raise RoleError(f"unknown roles: {', '.join(unknown)}")
    verifiers = {role: scram_verifier(role, password) for role, password in passwords.items()}
    for role in ROLES:
        await _ensure_role(connection, role, verifiers.get(role))


async def _ensure_role(connection: asyncpg.Connection, role: str, verifier: str | None) -> None:
    for attempt in range(_ATTEMPTS):
        try:
            if not await connection.fetchval("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", role):
                await connection.execute(f"CREATE ROLE {role} NOLOGIN")
            if verifier is not None:
                await connection.execute(f"ALTER ROLE {role} LOGIN PASSWORD '{verifier}'")
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
