import pytest

from local_stack.errors import StackError
from local_stack.servers.object_store import Kind, wanted_kind


@pytest.mark.parametrize(
    ("asked", "environment", "minio_at_hand", "kind"),
    [
        (None, {}, True, Kind.MINIO),
        (None, {}, False, Kind.S3PROXY),
        (None, {"CI": "true"}, False, Kind.MINIO),
        (None, {"CI": "false"}, False, Kind.S3PROXY),
        (None, {"STACK_S3": "s3proxy", "CI": "true"}, True, Kind.S3PROXY),
        (None, {"STACK_S3": "minio"}, False, Kind.MINIO),
        ("minio", {"STACK_S3": "s3proxy"}, False, Kind.MINIO),
        ("s3proxy", {"CI": "true"}, True, Kind.S3PROXY),
    ],
)
def test_which_server_runs(asked: str | None, environment: dict[str, str], minio_at_hand: bool, kind: Kind) -> None:
    assert wanted_kind(asked, environment, minio_at_hand=minio_at_hand) is kind


def test_an_unknown_server_is_refused() -> None:
    with pytest.raises(StackError, match="'ceph'"):
        wanted_kind("ceph", {}, minio_at_hand=True)
