"""``python -m compose_setup.bucket`` creates the bucket of the S3 settings unless it is there."""

import sys

from ticket_export.settings import S3Settings, SettingsError, load
from ticket_export.storage.signing import open_client


def main() -> int:
    """Return the exit status; fail as the S3 client does when the server does not answer."""
    try:
        settings = load(S3Settings)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    client = open_client(settings)
    if not client.bucket_exists(settings.s3_bucket):
        client.make_bucket(settings.s3_bucket)
    sys.stdout.write(f"bucket {settings.s3_bucket} is there\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
