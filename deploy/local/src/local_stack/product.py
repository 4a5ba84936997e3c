"""The services of ticket-export, and what must be done before they can start."""

import asyncio
import sysconfig
from collections.abc import Mapping
from pathlib import Path

import asyncpg

from local_stack.demo import prepare_helpdesk
from local_stack.environment import (
    BUCKET,
    DATABASE,
    HOST_SCHEMA,
    SIGNING_KEY_FILE,
    role_passwords,
    stack_environment,
    write_environment,
)
from local_stack.ports import LOOPBACK, PortBook
from local_stack.servers import PostgresAddress, Servers
from local_stack.servers.running import fetched_servers
from local_stack.servers.service import Service, ServiceSpec
from local_stack.stack import Plan, Stack
from local_stack.tokens import write_signing_key

API = "export-api"
SHARED_VARIABLES = (
    "DATABASE_URL",
    "SOURCE_DATABASE_URL",
    "KAFKA_BOOTSTRAP_SERVERS",
    "S3_ENDPOINT",
    "S3_ACCESS_KEY",
    "S3_SECRET_KEY",
    "S3_BUCKET",
)


def product(workers: int, s3: str | None) -> Plan:
    """The plan: servers, then database and demo data, then all services; at last `stack.env`, when all is ready."""

    def bring_up(stack: Stack, ports: PortBook) -> None:
        servers = fetched_servers(stack.directory, ports, durable=True, s3=s3, bucket=BUCKET, steps=stack.steps)
        stack.start_together(*servers.all)
        environment = stack_environment(servers, stack.directory, *ports.reserve(API))
        _prepare(stack, servers, environment)
        specs = services(environment, workers)
        stack.start_together(*(Service(stack.directory, ports, spec) for spec in specs))
        write_environment(stack.directory, environment)

    return bring_up


def services(environment: Mapping[str, str], workers: int) -> list[ServiceSpec]:
    """One API, the workers and a janitor."""
    shared = {name: environment[name] for name in SHARED_VARIABLES} | {"LOG_FORMAT": "console"}
    health = {**shared, "HEALTH_HOST": LOOPBACK}
    key_file = environment["DEMO_SIGNING_KEY_FILE"]
    api = {**shared, "HOST": LOOPBACK, "AUTH_MODE": "demo", "DEMO_SIGNING_KEY_FILE": key_file}
    janitor = {
        **health,
        "DATABASE_URL": environment["RETENTION_DATABASE_URL"],
        "SOURCE_DATABASE_URL": environment["SOURCE_PRUNER_DATABASE_URL"],
    }
    return [
        ServiceSpec(API, (_program("export-api"),), "PORT", api),
        *(
            ServiceSpec(f"export-worker-{number}", (_program("export-worker"),), "HEALTH_PORT", health)
            for number in range(1, workers + 1)
        ),
        ServiceSpec("janitor", (_program("janitor"),), "HEALTH_PORT", janitor),
    ]


def _prepare(stack: Stack, servers: Servers, environment: Mapping[str, str]) -> None:
    with stack.steps.step("Database: creating"):
        asyncio.run(_create_database(servers.postgres.address))
    with stack.steps.step("Database: migrating"):
        migration = {**environment, **role_passwords(servers.credentials)}
        stack.run_errand("migrate", [_program("ticket-export"), "migrate"], migration)
    with stack.steps.step("Helpdesk: loading the demo's tickets"):
        asyncio.run(load_helpdesk(environment))
    with stack.steps.step("Helpdesk: versioning its tables"):
        stack.run_errand("source-install", [_program("ticket-export"), "source", "install"], environment)
    write_signing_key(stack.directory / SIGNING_KEY_FILE)


async def _create_database(address: PostgresAddress) -> None:
    connection = await asyncpg.connect(address.url("postgres"))
    try:
        if not await connection.fetchval("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", DATABASE):
            await connection.execute(f"CREATE DATABASE {DATABASE}")
    finally:
        await connection.close()


async def load_helpdesk(environment: Mapping[str, str]) -> None:
    """Load the demo's tickets, or undo what a replay has done to them."""
    await prepare_helpdesk(
        admin_url=environment["ADMIN_DATABASE_URL"],
        helpdesk_url=environment["HELPDESK_DATABASE_URL"],
        schema=HOST_SCHEMA,
    )


def _program(name: str) -> str:
    return str(Path(sysconfig.get_path("scripts")) / name)
