"""S3 as MinIO where it is at hand or asked for, else as S3Proxy over a directory; the same from outside."""

import enum
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import urllib3
from minio import Minio
from minio.error import MinioException

from local_stack.cache import cached
from local_stack.credentials import Credentials, write_private
from local_stack.downloads.java import QUICK_START, java
from local_stack.downloads.maven import download_jars
from local_stack.downloads.minio import built_minio, found_minio
from local_stack.errors import StackError
from local_stack.ports import LOOPBACK, PortBook
from local_stack.processes import Child, spawn
from local_stack.servers.addresses import ObjectStoreAddress
from local_stack.servers.server import Server
from local_stack.steps import Steps

REGION = "us-east-1"
S3PROXY_LOCK = "s3proxy-4.1.0"
REQUEST_TIMEOUT_SECONDS = 2.0
S3PROXY_SETTINGS = """\
s3proxy.endpoint=http://{host}:{port}
s3proxy.authorization=aws-v2-or-v4
s3proxy.identity={access_key}
s3proxy.credential={secret_key}
jclouds.provider=filesystem-nio2
jclouds.filesystem.basedir={data}
"""


class Kind(enum.Enum):
    """Which S3 server."""

    MINIO = "minio"
    S3PROXY = "s3proxy"


def wanted_kind(asked: str | None, environment: Mapping[str, str], *, minio_at_hand: bool) -> Kind:
    """Which server to run: what was asked for, else MinIO if it is at hand or in CI, else S3Proxy.

    Raises:
        StackError: there is no such server.
    """
    asked = asked or environment.get("STACK_S3")
    if asked:
        try:
            return Kind(asked)
        except ValueError as exc:
            raise StackError(f"no S3 server {asked!r}: say minio or s3proxy") from exc
    in_ci = environment.get("CI", "").lower() in {"1", "true"}
    return Kind.MINIO if minio_at_hand or in_ci else Kind.S3PROXY


@dataclass(frozen=True)
class Program:
    """An S3 server that is ready to be run."""

    kind: Kind
    path: Path


def object_store_program(asked: str | None, steps: Steps) -> Program:
    """The S3 server to run, downloaded or built if need be."""
    found = found_minio()
    kind = wanted_kind(asked, os.environ, minio_at_hand=found is not None)
    if kind is Kind.MINIO:
        return Program(kind, found or built_minio(steps))

    def download(part: Path) -> None:
        with steps.step(f"S3: downloading {S3PROXY_LOCK}") as step:
            download_jars(S3PROXY_LOCK, part, step)

    return Program(kind, next(cached(S3PROXY_LOCK, download).glob("*.jar")))


class ObjectStore(Server):
    """An S3 server."""

    name = "object-store"
    title = "S3"

    def __init__(
        self,
        directory: Path,
        ports: PortBook,
        *,
        durable: bool,
        program: Program,
        credentials: Credentials,
        bucket: str,
    ) -> None:
        super().__init__(directory, ports, durable=durable)
        self._program = program
        self._credentials = credentials
        self._bucket = bucket
        self.data = directory / f"object-store-{program.kind.value}"

    @property
    def address(self) -> ObjectStoreAddress:
        """Where it is reached."""
        return ObjectStoreAddress(
            f"http://{LOOPBACK}:{self.port}",
            self._credentials.object_store_access_key,
            self._credentials.object_store_secret_key,
            REGION,
        )

    def prepare(self) -> None:
        """Make the directory of the buckets."""
        self.data.mkdir(exist_ok=True)

    def spawn(self) -> Child:
        """Start whichever server it is."""
        argv, environment = self._minio() if self._program.kind is Kind.MINIO else self._s3proxy()
        return spawn(self.name, argv, log=self.log, environment=os.environ | environment, cwd=self.directory)

    def answers(self) -> bool:
        """Whether signed requests are answered and the bucket is there."""
        try:
            self.create_bucket(self._bucket)
        except (MinioException, urllib3.exceptions.HTTPError):
            return False
        return True

    def create_bucket(self, name: str) -> None:
        """Create a bucket unless it is there."""
        client = self._ask()
        if not client.bucket_exists(name):
            client.make_bucket(name)

    def delete_data(self) -> None:
        """Delete every bucket."""
        shutil.rmtree(self.data, ignore_errors=True)

    def _minio(self) -> tuple[list[str], dict[str, str]]:
        address = f"{LOOPBACK}:{self.port}"
        return [str(self._program.path), "server", "--quiet", "--address", address, str(self.data)], {
            "MINIO_ROOT_USER": self._credentials.object_store_access_key,
            "MINIO_ROOT_PASSWORD": self._credentials.object_store_secret_key,
            "MINIO_BROWSER": "off",
            "MINIO_UPDATE": "off",
        }

    def _s3proxy(self) -> tuple[list[str], dict[str, str]]:
        settings = self.directory / "s3proxy.properties"
        text = S3PROXY_SETTINGS.format(
            host=LOOPBACK,
            port=self.port,
            access_key=self._credentials.object_store_access_key,
            secret_key=self._credentials.object_store_secret_key,
            data=self.data,
        )
        write_private(settings, text)
        return [
            str(java()),
            *QUICK_START,
            "-Xmx256m",
            "-jar",
            str(self._program.path),
            "--properties",
            str(settings),
        ], {}

    def _ask(self) -> Minio:
        requests = urllib3.PoolManager(timeout=REQUEST_TIMEOUT_SECONDS, retries=False, maxsize=1)
        return Minio(
            f"{LOOPBACK}:{self.port}",
            self._credentials.object_store_access_key,
            self._credentials.object_store_secret_key,
            secure=False,
            region=REGION,
            http_client=requests,
        )
