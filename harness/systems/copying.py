"""Copying a tree on one host so that nothing of it is lost, and reading it back from the disk."""

from __future__ import annotations

import re

from harness.errors import UnexpectedOutput
from harness.hosts.command import Command, Effect
from harness.hosts.host import Host
from harness.systems.printed import whole


def copy_command(
    source: str, destination: str, limit_kib_s: int | None, by_content: bool = False, base: str | None = None
) -> Command:
    """rsync of everything below ``source`` into ``destination``; long work, run as a detached job.

    Hard links, ACLs, extended attributes, holes, numeric owners and odd names are kept, one file system only. Options
    are of rsync 3.0. What is already there with equal size and time is not copied again unless ``by_content``. What
    lies below ``base`` and is equal in all that is kept becomes a hard link to it; rsync never writes into such a file:
    one that has to change is written under another name and renamed.
    """
    options = ["-aHAXSx", "--numeric-ids", "--delete", "--partial", "--stats", "--exclude=/lost+found"]
    if limit_kib_s:
        options.append(f"--bwlimit={limit_kib_s}")
    if by_content:
        options.append("--checksum")
    if base:
        options.append(f"--link-dest={base}")
    return Command(("rsync", *options, "--", f"{source}/", f"{destination}/"), Effect.WRITE)


def copied_bytes(stats: str) -> int:
    """Bytes that rsync transferred, from what ``--stats`` printed."""
    match = re.search(r"^Literal data: ([0-9,.]+) bytes", stats, re.MULTILINE)
    if not match:
        raise UnexpectedOutput(f"rsync --stats printed {stats[-200:]!r}")
    return whole(re.sub("[,.]", "", match.group(1)), "rsync --stats")


def drop_cached_pages(host: Host, root: str, timeout_s: float = 3600.0) -> None:
    """Flush, then make later reads of the tree come from the disk.

    The kernel's own switch needs root over the whole machine; where it is refused (a container), each
    file is advised out of the cache, which also holds only for flushed pages.
    """
    host.run(Command(("sync",), Effect.WRITE, timeout_s=timeout_s))
    if host.attempt(Command(("sysctl", "-w", "vm.drop_caches=3"), Effect.WRITE, timeout_s=timeout_s)).ok:
        return
    advise = ("dd", "if={}", "of=/dev/null", "iflag=nocache", "count=0")
    host.run(Command(("find", root, "-xdev", "-type", "f", "-exec", *advise, ";"), Effect.WRITE, timeout_s=timeout_s))
