"""Passwords and keys of one data directory: made once, kept beside the data, readable by its owner only."""

import dataclasses
import json
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path


def _generated() -> str:
    return secrets.token_hex(16)


@dataclass(frozen=True)
class Credentials:
    """What the servers and the database roles of one stack are guarded with; safe in a URL without escaping."""

    postgres_password: str = field(default_factory=_generated, repr=False)
    object_store_access_key: str = field(default_factory=_generated, repr=False)
    object_store_secret_key: str = field(default_factory=_generated, repr=False)
    app_password: str = field(default_factory=_generated, repr=False)
    retention_password: str = field(default_factory=_generated, repr=False)
    source_reader_password: str = field(default_factory=_generated, repr=False)
    source_pruner_password: str = field(default_factory=_generated, repr=False)
    installer_password: str = field(default_factory=_generated, repr=False)
    helpdesk_password: str = field(default_factory=_generated, repr=False)


def load_credentials(directory: Path) -> Credentials:
    """Those of the directory; what it has not got yet is made."""
    path = directory / "credentials.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    names = {field.name for field in dataclasses.fields(Credentials)}
    credentials = Credentials(**{name: value for name, value in known.items() if name in names})
    write_private(path, json.dumps(dataclasses.asdict(credentials), indent=1))
    return credentials


def write_private(path: Path, text: str) -> None:
    """Replace a file at once by one that only its owner may read."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    part.replace(path)
