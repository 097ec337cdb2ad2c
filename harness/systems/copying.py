"""Copying a tree on one host so that nothing of it is lost, and reading it back from the disk."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from harness.errors import UnexpectedOutput
from harness.hosts.command import Command, Effect, Result
from harness.hosts.host import Host, Reader
from harness.systems.printed import whole

_KEEPING = ("-aHAXSx", "--numeric-ids", "--partial", "--stats", "--exclude=/lost+found")
_OWN_BLOCKS = "--reflink=never"
_NO_SUCH_WORD = (b"cp: invalid argument", b"cp: unrecognized option")
OWN_BLOCKS = f"cp {_OWN_BLOCKS}"  # what a host may be without


def copy_command(
    source: str, destination: str, limit_kib_s: int | None, by_content: bool = False, base: str | None = None
) -> Command:
    """rsync of everything below ``source`` into ``destination``; long work, run as a detached job.

    Hard links, ACLs, extended attributes, holes, numeric owners and odd names are kept, one file system only. Options
    are of rsync 3.0. What is already there with equal size and time is not copied again unless ``by_content``. What
    lies below ``base`` and is equal in all that is kept becomes a hard link to it; rsync never writes into such a file:
    one that has to change is written under another name and renamed.
    """
    options = [*_KEEPING, "--delete", *_limited(limit_kib_s)]
    if by_content:
        options.append("--checksum")
    if base:
        options.append(f"--link-dest={base}")
    return Command(("rsync", *options, "--", f"{source}/", f"{destination}/"), Effect.WRITE)


def copy_names_command(source: str, destination: str, names: Iterable[bytes], limit_kib_s: int | None) -> Command:
    """rsync of these entries, whatever their sizes and times say: for what equal sizes and times only hide."""
    listed = b"".join(name + b"\0" for name in names)
    options = [*_KEEPING, "--files-from=-", "--from0", "--ignore-times", *_limited(limit_kib_s)]
    return Command(("rsync", *options, "--", f"{source}/", f"{destination}/"), Effect.WRITE, stdin=listed)


def same_time_command(source: str, copy: str) -> Command:
    """Give a copied directory its source's modification time to the nanosecond; rsync stops at whole seconds."""
    return Command(("touch", "-c", "-m", "-r", source, "--", copy), Effect.WRITE)


def _limited(limit_kib_s: int | None) -> list[str]:
    return [f"--bwlimit={limit_kib_s}"] if limit_kib_s else []


def gently(command: Command) -> Command:
    """The same command, giving way to whoever else wants the processor or the disk."""
    return replace(command, argv=("nice", "-n", "19", "ionice", "-c", "3", *command.argv))


def has_rsync(host: Reader) -> bool:
    """Without it ``cp`` copies, which is on every host."""
    return host.ask(Command(("which", "rsync"))).ok


def cp_command(source: str, destination: str, old: bool = False) -> Command:
    """cp of everything below ``source`` over what is below ``destination``; long work, run as a detached job.

    It keeps what rsync keeps, and times to the nanosecond; it begins anew after an interruption, removes nothing, and
    knows no bound of its speed. The copy has blocks of its own, so that one bad block is not two bad copies: from
    coreutils 9.0 on this has to be asked for, and an ``old`` one does nothing else and has no word for it.
    """
    own = () if old else (_OWN_BLOCKS,)
    return Command(("cp", "-a", "-x", *own, "--", f"{source}/.", f"{destination}/"), Effect.WRITE)


def is_old_cp(result: Result) -> bool:
    """A copy ended before it began, at the word that an old cp does not know."""
    return not result.ok and result.stderr.startswith(_NO_SUCH_WORD)


def has_old_cp(host: Reader) -> bool:
    """Whether a copy will end so."""
    return is_old_cp(host.ask(Command(("cp", _OWN_BLOCKS, "--version"))))


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
