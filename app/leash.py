"""Run one program that ends when its starter ends, and that is not root where root is unwelcome.

A program of its own, run as `python -I -S leash.py SIGNAL PARENT IDENTITY PROGRAM [ARGUMENT...]`:
what it does must happen between fork and exec, where a threaded Python may run no code. It takes
the program's place, so the process id is the program's own. It imports nothing of Baraza.
"""

import ctypes
import os
import signal
import sys
from pathlib import Path

NOBODY = 65534
"""The user and group with a name and no rights on every Linux."""
CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1

KEEP = "keep"
"""Stay who we are."""
NAMESPACE = "namespace"
"""Nobody inside a user namespace: files still belong to whoever started us."""
SETUID = "setuid"
"""Nobody on the whole machine, for hosts that forbid user namespaces. Needs root."""


def become(identity: str) -> None:
    """Give up root in the named way.

    Raises:
        OSError: the kernel does not allow it.
    """
    if identity == NAMESPACE:
        user, group = os.geteuid(), os.getegid()
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(CLONE_NEWUSER) != 0:
            raise OSError(ctypes.get_errno(), "no user namespace")
        # The kernel takes a group map from us only after setgroups is given up.
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"{NOBODY} {user} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"{NOBODY} {group} 1", encoding="ascii")
    elif identity == SETUID:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)


def die_with(parent: int, number: int) -> None:
    """Ask the kernel for this signal when the starter's thread ends. Only Linux can do so."""
    if sys.platform != "linux" or number == 0:
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:  # it ended before we had asked
        sys.exit(128 + signal.SIGTERM)


def main(arguments: list[str]) -> None:
    """Take the program's place. Returns only by raising."""
    number, parent, identity, *command = arguments
    become(identity)
    # After the change of identity, because the kernel forgets the wish when identity changes.
    die_with(int(parent), int(number))
    os.execvp(command[0], command)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main(sys.argv[1:])
