"""The S3 servers that the adapter is held against: the run's own, or those named in S3_MATRIX (minio, s3proxy)."""

import os
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest

from local_stack.credentials import load_credentials
from local_stack.ports import PortBook
from local_stack.servers.addresses import ObjectStoreAddress
from local_stack.servers.object_store import Kind, object_store_program
from local_stack.servers.object_store import ObjectStore as S3Process
from local_stack.steps import Silent
from ticket_export.settings import S3Settings
from ticket_export.storage.object_store import ObjectStore, open_object_store

THE_RUNS_OWN = "own"
KINDS = os.environ.get("S3_MATRIX", THE_RUNS_OWN).split(",")
BUCKET = "contract"


@dataclass(frozen=True)
class S3Server:
    """A running server, and how to reach the bucket that the tests share."""

    kind: Kind
    settings: S3Settings


def settings_for(address: ObjectStoreAddress) -> S3Settings:
    return S3Settings.model_validate(
        {
            "s3_endpoint": address.endpoint,
            "s3_access_key": address.access_key,
            "s3_secret_key": address.secret_key,
            "s3_region": address.region,
            "s3_bucket": BUCKET,
        }
    )


@pytest.fixture(scope="session", params=KINDS)
def s3(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """Each wanted S3 server in turn."""
    if request.param == THE_RUNS_OWN:
        process: S3Process = request.getfixturevalue("servers").object_store
        process.create_bucket(BUCKET)
        yield S3Server(process._program.kind, settings_for(process.address))
        return
    directory = tmp_path_factory.mktemp(request.param)
    process = S3Process(
        directory,
        PortBook(directory),
        durable=False,
        program=object_store_program(request.param, Silent()),
        credentials=load_credentials(directory),
        bucket=BUCKET,
    )
    try:
        process.start()
        yield S3Server(process._program.kind, settings_for(process.address))
    finally:
        process.close()


@pytest.fixture
async def store(s3: S3Server) -> AsyncIterator[ObjectStore]:
    """The adapter, as a service opens it."""
    async with open_object_store(s3.settings) as opened:
        yield opened


@pytest.fixture
def key() -> str:
    """A key that no other test uses, in the shape of ours."""
    return f"exports/{secrets.token_hex(8)}/open-tickets.csv"
