"""What is mounted where, and what fstab promises."""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.errors import StepBlocked, UnexpectedOutput
from harness.hosts.command import Command, Effect
from harness.hosts.host import Host, Reader
from harness.systems import files
from harness.systems.printed import lines


@dataclass(frozen=True)
class Mount:
    """One line of /proc/mounts."""

    device: str
    at: str
    fstype: str
    options: str


def mounts(host: Reader) -> list[Mount]:
    """Everything that is mounted, in the kernel's order."""
    found = []
    for line in lines(host.read(Command(("cat", "/proc/mounts"))).text):
        fields = line.split(" ")
        if len(fields) < 4:
            raise UnexpectedOutput(f"{host.name}: /proc/mounts holds {line!r}")
        found.append(Mount(_unescape(fields[0]), _unescape(fields[1]), fields[2], fields[3]))
    return found


def _unescape(field: str) -> str:
    """The kernel writes space, tab, newline and backslash as three octal digits."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match.group(1), 8)), field)


def mounted_exactly(host: Reader, device: str, at: str) -> bool:
    """True when the device, and nothing else, is mounted once, there and nowhere else; False when neither is involved.

    Names are compared whole: ``/dev/drbd1`` is not ``/dev/drbd10``.

    Raises:
        StepBlocked: when the device is mounted elsewhere, or something else covers the mount point.
    """
    return exactly(host.name, mounts(host), device, at)


def exactly(host: str, mounted: list[Mount], device: str, at: str) -> bool:
    """As ``mounted_exactly``, of what was seen to be mounted on a host."""
    involved = [mount for mount in mounted if mount.device == device or mount.at == at]
    if not involved:
        return False
    if [(mount.device, mount.at) for mount in involved] != [(device, at)]:
        seen = ", ".join(f"{mount.device} on {mount.at}" for mount in involved)
        raise StepBlocked(f"{host}: expected {device} on {at} and nothing else, found {seen}")
    return True


@dataclass(frozen=True)
class NothingHidden:
    """The claim that a place is a plain empty directory with nothing mounted on it: a mount there hides nothing."""

    at: str

    def __str__(self) -> str:
        return f"{self.at} is an empty directory that nothing is mounted on"

    def denied(self, host: Reader) -> str | None:
        found = files.stat(host, self.at)
        if found is None or found.kind != "directory":
            return f"{host.name}: {self.at} is {found.kind if found else 'missing'} and no directory to mount on"
        if names := files.children(host, self.at):
            return f"{host.name}: nothing is mounted over {self.at}: it holds {len(names)} entries"
        if on := [mount.device for mount in mounts(host) if mount.at == self.at]:
            return f"{host.name}: {on[0]} is mounted on {self.at}"
        return None


def mount_command(device: str, at: str, fstype: str, options: str = "defaults") -> Command:
    """Mount; destroys, as it would hide what lies beneath and let others write past it."""
    how = () if options == "defaults" else ("-o", options)
    return Command(("mount", "-t", fstype, *how, device, at), Effect.DESTROY)


def unmount(host: Host, at: str) -> None:
    """Unmount; fails while the file system is in use."""
    host.run(Command(("umount", at), Effect.WRITE, timeout_s=600.0))


@dataclass(frozen=True)
class FstabLine:
    """One entry of /etc/fstab; ``line`` counts from 1, ``text`` is all that stands there."""

    device: str
    at: str
    fstype: str
    options: str
    line: int
    text: str


def parse_fstab(text: str) -> list[FstabLine]:
    """The entries of an fstab, comments and malformed lines left out."""
    entries = []
    for number, line in enumerate(lines(text), 1):
        fields = _fields(line)
        if len(fields) >= 4 and not fields[0].startswith("#"):
            entries.append(FstabLine(fields[0], fields[1], fields[2], fields[3], number, line))
    return entries


def _fields(line: str) -> list[str]:
    """As getmntent(3) parts them: at blanks and tabs, and at nothing else."""
    return [field for field in re.split("[ \\t]", line) if field]


def fstab_without(text: str, device: str, at: str) -> str:
    """The fstab without the replicated device's line."""
    kept = [line for line in lines(text) if _fields(line)[:2] != [device, at]]
    return "".join(f"{line}\n" for line in kept)


def fstab_with(text: str, device: str, at: str, fstype: str) -> str:
    """The fstab with exactly one line for the replicated device, as Walrus needs it.

    ``noauto``: the service mounts; ``owner``: it does so as the user eucalyptus (vendor's *Configure DRBD*).
    """
    wanted = f"{device} {at} {fstype} noauto,owner 0 0"
    kept = [line for line in lines(text) if _fields(line)[:2] != [device, at]]
    return "\n".join([*kept, wanted]) + "\n"


_ASLEEP = "# walrus-ha: "


def fstab_asleep(text: str, line: str) -> str:
    """The fstab with that line as a comment, so that a boot does not wait for what it would mount."""
    return "".join(f"{_ASLEEP if one == line else ''}{one}\n" for one in lines(text))


def fstab_awake(text: str, line: str) -> str:
    """The fstab with the line that ``fstab_asleep`` made a comment in its place again."""
    return "".join(f"{line if one == _ASLEEP + line else one}\n" for one in lines(text))
