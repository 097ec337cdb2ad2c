"""mount, umount and findmnt. Mounting puts a disk's image in place; what is written there belongs to the image."""

from __future__ import annotations

import errno
import json
import posixpath
from typing import NamedTuple

from fakes.filesystem import Filesystem
from fakes.machine import Machine
from fakes.program import Call, Program, Reply, UnsupportedInvocation
from fakes.programs import drbd_content
from fakes.programs.devices import Device, device
from fakes.programs.drbd_model import mark_written, settle
from fakes.programs.mount_words import Said, Words, words
from fakes.programs.signatures import signatures
from fakes.world import Disk, HostRow, Mount, World

_BY_USERS = frozenset({"user", "users", "owner", "group"})
_READS = {"ext2": {"ext2"}, "ext3": {"ext3"}, "ext4": {"ext2", "ext3", "ext4"}, "xfs": {"xfs"}}
_FLAGS = ("nosuid", "nodev", "noexec", "sync")  # in the kernel's order
_MOST_LINKS = 40


class FstabLine(NamedTuple):
    """One entry of /etc/fstab."""

    device: str
    at: str
    fstype: str
    options: tuple[str, ...]


class Wanted(NamedTuple):
    """What is to be mounted where."""

    device: str
    at: str
    fstype: str  # "" or auto: whatever is there
    options: tuple[str, ...]


class Session(NamedTuple):
    """One program's call, with the world locked and settled."""

    world: World
    row: HostRow
    machine: Machine
    user: str
    say: Words

    @property
    def by_root(self) -> bool:
        return self.user == "root"


class _Refused(Exception):
    def __init__(self, said: Said) -> None:
        self.said = said
        super().__init__(said.text)


def _session(call: Call, machine: Machine, world: World) -> Session:
    settle(world, machine.now())
    return Session(world, machine.row(world), machine, call.user, words(world.version))


def fstab(files: Filesystem) -> list[FstabLine]:
    """The entries of the host's fstab."""
    if not files.exists("/etc/fstab"):
        return []
    lines = (line.split() for line in files.read("/etc/fstab").decode("utf-8", "surrogateescape").splitlines())
    return [
        FstabLine(found[0], found[1], found[2], tuple(found[3].split(",")))
        for found in lines
        if len(found) >= 4 and not found[0].startswith("#")
    ]


def real_path(files: Filesystem, path: str) -> str:
    """The path without symbolic links; what does not exist is left as it is."""
    done, left = "/", [part for part in path.split("/") if part]
    links = 0
    while left:
        part = left.pop(0)
        here = posixpath.normpath(posixpath.join(done, part))
        if files.exists(here) and files.stat(here).kind == "symlink" and links < _MOST_LINKS:
            links += 1
            target = files.readlink(here)
            done = "/" if target.startswith("/") else done
            left = [piece for piece in target.split("/") if piece] + left
        else:
            done = here
    return done


# mount


def mount(call: Call, machine: Machine) -> Reply:
    """``mount [-t TYPE] [-o OPTIONS] DEVICE AT`` and ``mount DEVICE|AT`` by fstab."""
    fstype, options, operands = _mount_arguments(call)
    with machine.world() as world:
        session = _session(call, machine, world)
        try:
            if len(operands) == 2:
                wanted = Wanted(operands[0], real_path(machine.files, operands[1]), fstype, options)
                if not session.by_root:
                    raise _Refused(session.say.only_root_mounts(wanted.device, wanted.at, in_fstab=False))
            else:
                wanted = _from_fstab(session, operands[0], options)
            _mount(session, wanted)
        except _Refused as refused:
            return Reply(refused.said.exit_status, b"", refused.said.text.encode("utf-8", "surrogateescape"))
    return Reply()


def _mount_arguments(call: Call) -> tuple[str, tuple[str, ...], list[str]]:
    left, operands = list(call.argv[1:]), list[str]()
    fstype, options = "", ""
    while left:
        word = left.pop(0)
        if word in ("-t", "-o") and left:
            fstype, options = (left.pop(0), options) if word == "-t" else (fstype, left.pop(0))
        elif word == "--":
            operands, left = operands + left, []
        elif word.startswith("-"):
            raise UnsupportedInvocation(" ".join(call.argv))
        else:
            operands.append(word)
    if len(operands) not in (1, 2) or (len(operands) == 1 and fstype):
        raise UnsupportedInvocation(" ".join(call.argv))
    return fstype, tuple(option for option in options.split(",") if option), operands


def _from_fstab(session: Session, what: str, options: tuple[str, ...]) -> Wanted:
    """The entry for a device or mount point; others than root need its leave.

    The device node belongs to the user eucalyptus, as the vendor's udev rule has it: ``owner`` means that user.
    """
    lines = [line for line in fstab(session.machine.files) if what in (line.device, line.at)]
    if not lines:
        raise _Refused(session.say.not_in_fstab(what))
    line = lines[0]
    at = real_path(session.machine.files, line.at)
    source = _tagged(session.row, line.device)
    if not session.by_root:
        exists = device(session.world, session.row, source) is not None
        if not _BY_USERS & set(line.options) or not exists:
            raise _Refused(session.say.only_root_mounts(line.device, at, in_fstab=True))
    return Wanted(source, at, line.fstype, (*line.options, *options))


def _tagged(row: HostRow, source: str) -> str:
    """The disk that ``UUID=`` or ``LABEL=`` means, the name itself where it is one or no disk has the tag."""
    tag, equals, value = source.partition("=")
    for disk in row.disks.values() if equals else ():
        if disk.signature and {"UUID": disk.uuid, "LABEL": disk.label}.get(tag) == value:
            return disk.device
    return source


def mounted_at_boot(machine: Machine, row: HostRow) -> list[str]:
    """Where fstab has a disk of this host mounted when it boots; the system's own are there already."""
    lines = [line for line in fstab(machine.files) if not {"noauto", "nofail"} & set(line.options)]
    return [line.at for line in lines if _tagged(row, line.device) in row.disks or "=" in line.device]


def _mount(session: Session, wanted: Wanted) -> None:
    found = device(session.world, session.row, wanted.device)
    _check_places(session, wanted, found)
    if found is None:
        return
    disk = _content(session, wanted, found)
    fstype = _type(session, wanted, found, disk)
    options = _shown_options(wanted.options)
    _check_free(session, wanted, found)
    _put_in_place(session, wanted.at, disk)
    session.row.mounts.append(Mount(wanted.device, wanted.at, fstype, options, session.user))
    session.world.record(session.machine.now(), session.row.name, "mount", f"{wanted.device} {wanted.at}")
    if found.one is not None:
        found.one.side.opened_by.append(wanted.at)
    if options.startswith("rw"):
        _note_writes(session, found, disk)


def _check_places(session: Session, wanted: Wanted, found: Device | None) -> None:
    """Device and mount point exist, and the device can be opened."""
    files = session.machine.files
    if found is None:
        raise _Refused(session.say.no_device(wanted.device, wanted.at))
    if not files.exists(wanted.at):
        raise _Refused(session.say.no_mount_point(wanted.at))
    if files.stat(wanted.at).kind != "directory":
        raise _Refused(session.say.not_a_directory(wanted.at))
    if not found.open_for_reading:
        raise _Refused(session.say.wrong_medium(wanted.device, wanted.at))


def _content(session: Session, wanted: Wanted, found: Device) -> Disk:
    if found.one is not None:
        return drbd_content.readable(session.machine, found.one)
    if found.disk is None:
        raise UnsupportedInvocation(f"mounting {wanted.device} is not modelled")
    if not found.claimed:
        drbd_content.refresh(session.machine, found.disk)
    return found.disk


def _type(session: Session, wanted: Wanted, found: Device, disk: Disk) -> str:
    """The type to mount it as."""
    seen = signatures(found)
    kind = wanted.fstype
    if kind in ("", "auto"):
        kind = seen[0].kind if seen else ""
        if kind and kind not in _READS:
            raise _Refused(session.say.unknown_type(kind, wanted.at))
    elif kind not in _READS:
        raise UnsupportedInvocation(f"mount -t {kind} is not modelled")
    if found.claimed:
        raise _Refused(session.say.busy_device(wanted.device, wanted.at))
    if disk.garbage or disk.signature not in _READS.get(kind, ()):
        raise _Refused(session.say.wrong_type(wanted.device, wanted.at))
    return kind


def _check_free(session: Session, wanted: Wanted, found: Device) -> None:
    if found.claimed:
        raise _Refused(session.say.busy_device(wanted.device, wanted.at))
    if wanted.at in found.mounts:
        raise _Refused(session.say.mounted_there(wanted.device, wanted.at))


def _shown_options(wanted: tuple[str, ...]) -> str:
    """As /proc/mounts shows them; user, owner and group imply nosuid and nodev."""
    chosen = set(wanted)
    if chosen & {"user", "users"}:
        chosen |= {"noexec"}
    if chosen & _BY_USERS:
        chosen |= {"nosuid", "nodev"}
    unknown = chosen - _BY_USERS - {"defaults", "rw", "ro", "noauto", "auto", "noatime", "relatime", *_FLAGS}
    if unknown:
        raise UnsupportedInvocation(f"mount -o {','.join(sorted(unknown))} is not modelled")
    shown = ["ro" if "ro" in chosen else "rw", *(flag for flag in _FLAGS if flag in chosen)]
    return ",".join([*shown, "noatime" if "noatime" in chosen else "relatime"])


def _put_in_place(session: Session, at: str, disk: Disk) -> None:
    files = session.machine.files
    disk.image = disk.image or drbd_content.image_name(disk.device)
    if not files.has_image(disk.image):
        files.make_image(disk.image, disk.filesystem_kib * 1024 or disk.size_bytes)
    files.mount_image(disk.image, at)


def _note_writes(session: Session, found: Device, disk: Disk) -> None:
    disk.written = True
    if found.one is not None:
        mark_written(found.one)
    elif disk.metadata is not None:
        disk.lineage = drbd_content.new_lineage(session.world)  # written past DRBD


# umount


def umount(call: Call, machine: Machine) -> Reply:
    """``umount DEVICE|AT``."""
    operands = [word for word in call.argv[1:] if word != "--"]
    if len(operands) != 1 or operands[0].startswith("-"):
        raise UnsupportedInvocation(" ".join(call.argv))
    with machine.world() as world:
        session = _session(call, machine, world)
        try:
            _umount(session, operands[0])
        except _Refused as refused:
            return Reply(refused.said.exit_status, b"", refused.said.text.encode("utf-8", "surrogateescape"))
    return Reply()


def _umount(session: Session, what: str) -> None:
    row, files = session.row, session.machine.files
    place = real_path(files, what)
    found = [mount for mount in row.mounts if mount.device == what or mount.at == place]
    if not found:
        exists = files.exists(place) or device(session.world, row, what) is not None
        raise _Refused(session.say.not_mounted(what, session.by_root, exists))
    last = found[-1]
    if not session.by_root:
        _check_may_unmount(session, last, what)
    one = next((found.one for found in [device(session.world, row, last.device)] if found), None)
    places = {mount.at for mount in row.mounts}
    if one is not None and any(holder not in places for holder in one.side.opened_by):
        raise _Refused(session.say.busy_target(last.at))
    try:
        files.unmount_image(last.at)
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        raise _Refused(session.say.busy_target(last.at)) from None
    row.mounts.remove(last)
    session.world.record(session.machine.now(), row.name, "unmount", f"{last.device} {last.at}")
    if one is not None:
        one.side.opened_by.remove(last.at)
        drbd_content.publish(session.machine, one)


def _check_may_unmount(session: Session, found: Mount, what: str) -> None:
    """Others than root may unmount what they mounted by an entry of fstab that lets them."""
    files, times = session.machine.files, sum(mount.device == found.device for mount in session.row.mounts)
    lines = [line for line in fstab(files) if line.device == found.device]
    exact = next((line for line in lines if real_path(files, line.at) == found.at), None)
    options = set(exact.options) if exact else set()
    mine = found.user == session.user and bool(options & _BY_USERS)
    if times > 1 or not (mine or "users" in options):
        reason = "" if exact else "disagrees" if lines else "absent"
        raise _Refused(session.say.only_root_unmounts(found.device, found.at, what, times, reason))


# findmnt


def findmnt(call: Call, machine: Machine) -> Reply:
    """``findmnt -J DEVICE|AT``."""
    if len(call.argv) != 3 or call.argv[1] != "-J":
        raise UnsupportedInvocation(" ".join(call.argv))
    what = call.argv[2]
    with machine.world() as world:
        place = real_path(machine.files, what)
        found = [mount for mount in machine.row(world).mounts if what == mount.device or place == mount.at]
    if not found:
        return Reply(1)
    shown = {
        "target": found[-1].at,
        "source": found[-1].device,
        "fstype": found[-1].fstype,
        "options": found[-1].options,
    }
    body = ",\n".join(f'         "{name}": {json.dumps(value)}' for name, value in shown.items())
    text = '{\n   "filesystems": [\n      {\n' + body + "\n      }\n   ]\n}\n"
    return Reply(0, text.encode("utf-8", "surrogateescape"))


PROGRAMS: dict[str, Program] = {"mount": mount, "umount": umount, "findmnt": findmnt}
