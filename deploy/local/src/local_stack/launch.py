"""Becomes another program, under another account if asked, that ends when the process that started it ends.

Run as a script by `processes.py`, isolated and without site: only the standard library is at hand.
The order matters: changing the account clears the parent-death signal.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main(parent: int, death_signal: int, account: str, argv: list[str]) -> None:
    """Drop to `account` ("uid:gid" or "-"), tie our life to `parent`'s, and exec `argv`."""
    if account != "-":
        uid, gid = (int(number) for number in account.split(":"))
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("the process that started this one is gone")
    os.execvp(argv[0], argv)  # noqa: S606 -- this is what the script is for


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
