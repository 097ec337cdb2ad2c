"""Which hosts an answer depends on: a cut that no answer shows yet is the same cut a little later."""

from __future__ import annotations

from harness.hosts.command import Command, Effect, Request
from harness.labs.lab import ADDITIONAL, CLC, ORIGINAL

EVERYBODY = frozenset((ORIGINAL, ADDITIONAL, CLC))
_PAIR = frozenset((ORIGINAL, ADDITIONAL))
# Questions about files, devices and processes of the host that is asked. Whoever is not named here may ask anybody.
_OF_ONE_HOST = frozenset(
    ("blkid", "blockdev", "cat", "chkconfig", "df", "du", "find", "getfattr", "id", "lsblk", "ps", "sha256sum")
) | {"stat", "test", "uname", "which", "wipefs"}
_OF_THE_PAIR = frozenset(("drbdadm", "drbdsetup", "drbd-overview"))
_STATE_OF_DRBD = "/proc/drbd"  # tells of the peer too


def reach(role: str, request: Request) -> frozenset[str]:
    """The hosts whose being there or not could show in the answer to a question that takes no time of its own."""
    if not isinstance(request, Command) or request.effect is not Effect.READ:
        return EVERYBODY
    program = request.argv[0]
    if program in _OF_THE_PAIR or _STATE_OF_DRBD in request.argv:
        return _PAIR | {role}
    return frozenset((role,)) if program in _OF_ONE_HOST else EVERYBODY
