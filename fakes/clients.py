"""What clients do to objects in memory, as Walrus does it: a temporary name in the same bucket, then a rename."""

from __future__ import annotations

from typing import Literal

from fakes.content import flipped
from fakes.memory import MemoryFilesystem

Deed = Literal["write", "overwrite", "delete", "rename", "disguise"]
_VICTIM: dict[Deed, int] = {"write": 0, "overwrite": 0, "delete": 1, "rename": 2}


def act(files: MemoryFilesystem, objects: list[str], deed: Deed, number: int) -> tuple[bool, str]:
    """Do it to one of the objects; whether it is done, and to what.

    A disguise is a change of content whose time somebody puts back.
    """
    victim = objects[_VICTIM.get(deed, number) % len(objects)]  # a second disguise must not undo the first
    before, content = files.stat(victim), f"deed {number} of a client".encode()
    new = f"{victim.rpartition('/')[0]}/client-{number}"
    if deed in ("write", "overwrite"):
        files.write(f"{new}.tmp", content)
        files.chown(f"{new}.tmp", before.uid, before.gid)
        victim = new if deed == "write" else victim
        files.rename(f"{new}.tmp", victim)
        return files.read(victim) == content, victim
    if deed == "delete":
        files.unlink(victim)
    elif deed == "rename":
        files.rename(victim, new)
    else:
        files.put_content(victim, flipped(files.content(victim)))
        files.utime(victim, before.mtime_ns)
        after = files.stat(victim)
        return (after.size, after.mtime_ns) == (before.size, before.mtime_ns) and after != before, victim
    return not files.exists(victim), victim
