"""What can go wrong with S3, by what the caller does about it."""


class StorageError(Exception):
    """S3 did not do what was asked; the text names the call and the code, never a URL or a key."""


class StorageUnavailableError(StorageError):
    """S3 cannot be reached, or says 5xx or slow down: try again later."""


class ClockSkewError(StorageUnavailableError):
    """S3 refuses our signatures because our clock is wrong: another machine may do better."""


class StorageRefusedError(StorageError):
    """S3 says no (4xx, or 507 for a full store); ``code`` is S3's own."""

    def __init__(self, call: str, status: int, code: str) -> None:
        super().__init__(f"S3 refused {call}: {status} {code}")
        self.status = status
        self.code = code


class LeaseExpiredError(StorageError):
    """The lease ended before the call did; nothing more may be written under it."""
