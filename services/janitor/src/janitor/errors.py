"""What can end a run of the janitor early."""


class JanitorError(Exception):
    """The run could not be done, or not to its end; the next one begins where it stopped."""


class LeaseHeldError(JanitorError):
    """Another janitor is at work."""


class SourceError(JanitorError):
    """The helpdesk's database did not do its part."""


class LeaseLostError(JanitorError):
    """The lease ran out during the work and another janitor may have taken over."""
