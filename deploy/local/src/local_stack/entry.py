"""The command's way in: it imports late, so that Ctrl-C in the first second ends as quietly as afterwards."""

import sys


def run() -> None:
    """Console script."""
    try:
        from local_stack.main import run as run_command  # noqa: PLC0415 - what takes the first second

        run_command()
    except KeyboardInterrupt:
        sys.exit(130)
