"""The launcher's lock: one launcher for one data folder."""

import fcntl
import os
import time
from pathlib import Path

from cxcenter.management.launch.guardian import alive
from cxcenter.management.launch.processes import LaunchError

# A guardian needs up to ten seconds to end what a killed launcher has left.
LEFTOVER_S = 15.0


def take(path: Path, *, address: str) -> int:
    """Lock `path` for this process and return its descriptor, which the guardian holds open too.

    Raise LaunchError if another launcher holds it; `address` is where that one can be seen. If its
    holder was killed, wait until the guardian has ended its processes.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + LEFTOVER_S
    while not _locked(descriptor):
        holder = os.pread(descriptor, 20, 0).decode().strip()
        if holder.isdigit() and alive(int(holder)):
            raise LaunchError(
                f"it already runs here as process {holder}: open {address}/ or stop it first "
                "(for a second one set VAR_DIR and PORT)"
            )
        if time.monotonic() > deadline:
            raise LaunchError(f"processes of an earlier start hold {path} and do not end: end them, then try again")
        time.sleep(0.1)
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
