"""Connections and pools with the time-outs that keep a stalled network from holding anything for ever."""

from typing import TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy
from pydantic import SecretStr

# Quoted: the classes take parameters in their stubs only.
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

# Everything that a statement or a connection can end in, whether the server said no or is not there.
DATABASE_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)

COMMAND_TIMEOUT_SECONDS = 30.0
CONNECT_TIMEOUT_SECONDS = 10.0
ACQUIRE_TIMEOUT_SECONDS = 5.0

_KEEPALIVES = {
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "client_connection_check_interval": "5s",
    # No transaction of ours waits for anything but the database; one that does is a process that stands still.
    "idle_in_transaction_session_timeout": "10s",
}


def _server_settings(schema: str, application_name: str) -> dict[str, str]:
    return {**_KEEPALIVES, "search_path": f'"{schema}"', "application_name": application_name, "jit": "off"}


async def open_pool(
    url: SecretStr, *, schema: str, application_name: str, min_size: int = 1, max_size: int = 10
) -> Pool:
    """Open a pool whose connections find unqualified names in ``schema``."""
    return await asyncpg.create_pool(
        url.get_secret_value(),
        min_size=min_size,
        max_size=max_size,
        timeout=CONNECT_TIMEOUT_SECONDS,
        command_timeout=COMMAND_TIMEOUT_SECONDS,
        server_settings=_server_settings(schema, application_name),
    )


async def connect(url: SecretStr, *, schema: str, application_name: str) -> "asyncpg.Connection[asyncpg.Record]":
    """Open one connection outside any pool, for work that must not wait for a pool: renewal, COPY, LISTEN."""
    return await asyncpg.connect(
        url.get_secret_value(),
        timeout=CONNECT_TIMEOUT_SECONDS,
        command_timeout=COMMAND_TIMEOUT_SECONDS,
        server_settings=_server_settings(schema, application_name),
    )
