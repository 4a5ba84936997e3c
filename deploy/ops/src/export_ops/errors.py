class OpsError(Exception):
    """A command cannot do what it was asked to; the text is for the operator and shows no secret."""


class InstallError(OpsError):
    """The helpdesk's tables cannot be versioned as they are."""


class LockedOutError(InstallError):
    """A table stayed locked through every attempt."""
