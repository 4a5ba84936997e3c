"""Why a command could not do what it was asked to."""


class OpsError(Exception):
    """A command cannot do what it was asked to; the text is for the operator and shows no secret."""


class InstallError(OpsError):
    """The helpdesk's tables cannot be versioned as they are."""


class DisabledError(InstallError):
    """An operator has switched versioning off."""


class LockedOutError(InstallError):
    """A table stayed locked through every attempt."""
