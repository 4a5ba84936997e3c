"""What can go wrong in the local stack, worded for the person at the terminal."""


class StackError(Exception):
    """The local stack could not do what it was asked; the message says why and what helps."""


class ServerDiedError(StackError):
    """A child process ended before it was ready; the message ends with the last lines of its log."""


class NotReadyError(StackError):
    """A child process lives but did not answer in time."""


class DirectoryInUseError(StackError):
    """Another live process runs its servers in this directory."""
