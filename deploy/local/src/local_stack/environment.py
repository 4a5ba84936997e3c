"""What the stack tells those who use it: `stack.env` for people and scripts, and more for its own services."""

import re
import shlex
from pathlib import Path

from local_stack.credentials import Credentials, write_private
from local_stack.errors import StackError
from local_stack.ports import LOOPBACK
from local_stack.servers import Servers

DATABASE = "ticket_export"
HOST_ROLE = "helpdesk"
HOST_SCHEMA = "helpdesk"
BUCKET = "ticket-export"
ENVIRONMENT_FILE = "stack.env"
SIGNING_KEY_FILE = "demo-signing-key.json"
_LINE = re.compile(r"[A-Z0-9_]+=.*", re.DOTALL)


def stack_environment(servers: Servers, directory: Path, api_port: int) -> dict[str, str]:
    """The variables of `stack.env`."""
    secrets = servers.credentials
    postgres, store = servers.postgres.address, servers.object_store.address

    def url(role: str, password: str) -> str:
        return postgres.url(DATABASE, user=role, password=password)

    return {
        "API_URL": f"http://{LOOPBACK}:{api_port}",
        "DATABASE_URL": url("ticket_export_app", secrets.app_password),
        "SOURCE_DATABASE_URL": url("ticket_export_source_reader", secrets.source_reader_password),
        "KAFKA_BOOTSTRAP_SERVERS": servers.kafka.address.bootstrap,
        "S3_ENDPOINT": store.endpoint,
        "S3_ACCESS_KEY": store.access_key,
        "S3_SECRET_KEY": store.secret_key,
        "S3_BUCKET": BUCKET,
        "DEMO_SIGNING_KEY_FILE": str(directory / SIGNING_KEY_FILE),
        "ADMIN_DATABASE_URL": postgres.url(DATABASE),
        "RETENTION_DATABASE_URL": url("ticket_export_retention", secrets.retention_password),
        "SOURCE_PRUNER_DATABASE_URL": url("ticket_export_source_pruner", secrets.source_pruner_password),
        "INSTALLER_DATABASE_URL": url("ticket_export_installer", secrets.installer_password),
        "HELPDESK_DATABASE_URL": url(HOST_ROLE, secrets.helpdesk_password),
    }


def role_passwords(credentials: Credentials) -> dict[str, str]:
    """What `ticket-export migrate` gives the login roles as passwords."""
    return {
        "APP_ROLE_PASSWORD": credentials.app_password,
        "RETENTION_ROLE_PASSWORD": credentials.retention_password,
        "SOURCE_READER_ROLE_PASSWORD": credentials.source_reader_password,
        "SOURCE_PRUNER_ROLE_PASSWORD": credentials.source_pruner_password,
        "INSTALLER_ROLE_PASSWORD": credentials.installer_password,
    }


def write_environment(directory: Path, values: dict[str, str]) -> Path:
    """Write `stack.env`, for a shell's `source` as well as for `read_environment`; only its owner may read it."""
    path = directory / ENVIRONMENT_FILE
    write_private(path, "".join(f"{name}={_quoted(value)}\n" for name, value in values.items()))
    return path


def read_environment(directory: Path) -> dict[str, str]:
    """The variables of a running stack.

    Raises:
        StackError: there is no `stack.env`, or it is not one.
    """
    path = directory / ENVIRONMENT_FILE
    if not path.exists():
        raise StackError(f"no stack runs in {directory}: `make up` starts one")
    words = shlex.split(path.read_text(), comments=True)
    if not all(map(_LINE.fullmatch, words)):
        raise StackError(f"{path} is not an environment file")
    return dict(word.split("=", 1) for word in words)


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "'\\''") + "'"
