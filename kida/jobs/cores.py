"""Processor cores: how many there are for this process, and leases, so that no two jobs share one.

A lease holds for the machine, whoever runs kida there: two evaluations never pin to the same core,
one waits. It is a Unix socket bound to a name in the kernel's own name space, which the kernel
forgets when the last process that holds it is gone: nothing is left behind by a kill. Containers
with networks of their own do not see each other's leases. Outside Linux no core can be pinned, and
none is leased.
"""

import math
import os
import socket
import sys
from pathlib import Path
from typing import Self

_CGROUPS = Path("/sys/fs/cgroup")


def available_cores() -> int:
    """Return the number of cores this process may use: by its affinity, and by cgroup quotas."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    quota = cgroup_quota()
    return cores if math.isinf(quota) else max(1, min(cores, math.floor(quota)))


def cgroup_quota(root: Path = _CGROUPS, membership: Path = Path("/proc/self/cgroup")) -> float:
    """Return how many cores' worth of time the process's control groups grant; may be infinite.

    Parameters
    ----------
    root
        Where the groups are mounted, of version 2 or 1.
    membership
        The file that names the process's groups.
    """
    try:
        lines = membership.read_text(encoding="utf-8").splitlines()
    except OSError:
        return math.inf
    quota = math.inf
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        top = root / "cpu" if controllers else root
        # A container sees its own group at the top; elsewhere every group above counts too.
        for folder in (top, *(top / part for part in _prefixes(group))):
            quota = min(quota, _quota_of(folder))
    return quota


def _prefixes(group: str) -> list[Path]:
    parts = [part for part in group.split("/") if part not in ("", "..")]
    return [Path(*parts[:length]) for length in range(1, len(parts) + 1)]


def _quota_of(folder: Path) -> float:
    try:
        if (file := folder / "cpu.max").exists():
            granted, period = file.read_text(encoding="utf-8").split()
        else:
            granted = (folder / "cpu.cfs_quota_us").read_text(encoding="utf-8")
            period = (folder / "cpu.cfs_period_us").read_text(encoding="utf-8")
        # "max" in version 2 and -1 in version 1 mean no limit.
        share = float(granted) / float(period)
    except (OSError, ValueError, ZeroDivisionError):
        return math.inf
    return share if share > 0 else math.inf


class Lease:
    """A core that nobody else on this machine has, until it is closed and all heirs have ended.

    Attributes
    ----------
    core
        Its number; None where cores cannot be pinned.
    descriptor
        To be handed to the process that runs on it, so that the lease lives as long; None likewise.
    """

    def __init__(self, core: int | None, holder: socket.socket | None) -> None:
        self.core = core
        self._holder = holder

    @property
    def descriptor(self) -> int | None:
        """The file descriptor that holds the lease."""
        return None if self._holder is None else self._holder.fileno()

    @classmethod
    def take(cls) -> Self | None:
        """Take a free core out of those this process may use; None if there is none."""
        if sys.platform == "linux":
            # No more than a quota grants, whatever the number of cores: the last are never leased.
            for core in sorted(os.sched_getaffinity(0))[: available_cores()]:
                holder = socket.socket(socket.AF_UNIX)
                try:
                    holder.bind(f"\0kida-core-{core}")
                except OSError:
                    holder.close()
                else:
                    return cls(core, holder)
            return None
        else:
            return cls(None, None)

    def close(self) -> None:
        """Give the core back."""
        if self._holder is not None:
            self._holder.close()
