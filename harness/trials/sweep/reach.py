"""Which hosts answer and effect depend on: a cut that neither shows yet is the same cut a little later."""

from __future__ import annotations

from harness.hosts.command import AskHolder, AskRecord, Claim, Command, Effect, KeepRecord, PutFile, Request
from harness.labs.lab import ADDITIONAL, CLC, ORIGINAL

EVERYBODY = frozenset((ORIGINAL, ADDITIONAL, CLC))
_PAIR = frozenset((ORIGINAL, ADDITIONAL))
# Questions about files, devices and processes of the host that is asked. Whoever is not named here may ask anybody.
_OF_ONE_HOST = frozenset(
    ("blkid", "blockdev", "cat", "chkconfig", "df", "du", "find", "getfattr", "grep", "id", "lsblk", "openssl")
) | {"sha256sum", "stat", "test", "uname", "which", "wipefs"}
_OF_THE_PAIR = frozenset(("drbdadm", "drbdsetup", "drbd-overview"))
_STATE_OF_DRBD = "/proc/drbd"  # tells of the peer too


# What these change lies on the host that is told to, or on its device, which both sides have.
_CHANGES_THE_PAIR = _OF_THE_PAIR | frozenset(
    ("chkconfig", "chmod", "chown", "drbdmeta", "mkdir", "mkfs.ext3", "mkfs.ext4", "mkfs.xfs", "modprobe", "mount")
)
_CHANGES_THE_PAIR |= frozenset(("mv", "rm", "rmdir", "sync", "umount"))


def reach(role: str, request: Request) -> frozenset[str]:
    """The hosts whose being there or not could show in answer or effect of a request that takes no time of its own."""
    if isinstance(request, AskHolder | AskRecord | Claim | KeepRecord):
        return frozenset((role,))  # grant and records lie beside all else that the host has
    if isinstance(request, PutFile):
        return _PAIR | {role}
    if not isinstance(request, Command):
        return EVERYBODY
    program = _program(request.argv)
    if request.effect is not Effect.READ:
        return _PAIR | {role} if program in _CHANGES_THE_PAIR else EVERYBODY
    if program in _OF_THE_PAIR or _STATE_OF_DRBD in request.argv:
        return _PAIR | {role}
    return frozenset((role,)) if program in _OF_ONE_HOST else EVERYBODY


def _program(argv: tuple[str, ...]) -> str:
    """What does the work: a shell may only expand names and hand over to it."""
    handed_over = argv[2].split() if argv[:2] == ("sh", "-c") else []
    return handed_over[1] if handed_over[:1] == ["exec"] else argv[0]
