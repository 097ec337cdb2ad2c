"""drbdmeta: metadata on a disk that no kernel holds. drbdadm calls it, and so may a person.

It never asks: standard input is no terminal, so that its questions answer themselves with no.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

from fakes.machine import Machine
from fakes.program import Call, Program, Reply, UnsupportedInvocation
from fakes.programs import drbd_generations as generations
from fakes.programs.drbd_kernel import attached_to, busy, repair_activity_log
from fakes.programs.drbd_printing import generation_line
from fakes.programs.drbd_replica import agreed_kib, bitmap_bytes, offsets, usable_kib
from fakes.world import Disk, HostRow, Metadata, World

BUSY, REFUSED = 20, 40  # exit statuses
_KIB = 1024
_RESERVED_BY_V07 = 128 * 1024 * _KIB


class Target(NamedTuple):
    """What a call works on."""

    world: World
    row: HostRow
    minor: int
    device: str
    forced: bool

    @property
    def disk(self) -> Disk | None:
        return self.row.disks.get(self.device)


@dataclass
class Output:
    """What a call has printed so far, and what happened."""

    stdout: list[str] = field(default_factory=list)
    stderr: list[str] = field(default_factory=list)

    def reply(self, exit_status: int = 0) -> Reply:
        encode = "utf-8", "surrogateescape"
        return Reply(exit_status, "".join(self.stdout).encode(*encode), "".join(self.stderr).encode(*encode))

    def confirmed(self, question: str, target: Target) -> bool:
        """Ask; only --force says yes."""
        self.stderr.append(f"\n{question}\n" if question else "")
        answer = "*** confirmation forced via --force option ***"
        self.stderr.append(f"{answer if target.forced else 'stdin not a TTY, not waiting for confirmation'}\n")
        return target.forced


def run(target: Target, verb: str) -> Reply:
    """One call.

    Raises:
        UnsupportedInvocation: for a verb that is not modelled.
    """
    verbs = {
        "create-md": _create,
        "wipe-md": _wipe,
        "dump-md": _dump,
        "dstate": _disk_state,
        "get-gi": _generations,
        "apply-al": _apply_activity_log,
        "outdate": _outdate,
        "invalidate": _invalidate,
    }
    if verb not in verbs:
        raise UnsupportedInvocation(f"drbdmeta {verb} is not modelled")
    output, disk = Output(), target.disk
    if disk is None:
        output.stderr.append(f"open({target.device}) failed: No such file or directory\n")
        return output.reply(BUSY)
    return verbs[verb](target, disk, output)


# Exclusive use


def _configured(target: Target, disk: Disk) -> bool:
    return attached_to(target.row, disk) is not None


def _refused_as_configured(target: Target, output: Output) -> Reply:
    output.stderr.append(f"Device '{target.minor}' is configured!\n")
    return output.reply(BUSY)


def _complain_if_busy(target: Target, disk: Disk, output: Output, asks: bool = True) -> bool:
    """Say that somebody holds the disk; False when that ends the call."""
    if not busy(target.row, disk):
        return True
    output.stderr.append(f"open({disk.device}) failed: Device or resource busy\n")
    return asks and output.confirmed("Exclusive open failed. Do it anyways?", target)


def _opens(target: Target, disk: Disk, output: Output) -> bool:
    if _complain_if_busy(target, disk, output):
        return True
    output.stdout.append("Operation canceled.\n")
    return False


# Verbs


def look_before_create(target: Target) -> str:
    """What drbdadm of 8.4 prints when it looks at the metadata before it makes new ones."""
    output, disk = Output(), target.disk
    if disk is None:
        output.stderr.append(f"open({target.device}) failed: No such file or directory\n")
    elif _complain_if_busy(target, disk, output) and _configured(target, disk):
        output.stderr.append(f"# Output might be stale, since minor {target.minor} is attached\n")
    return "".join(output.stderr)


def _create(target: Target, disk: Disk, output: Output) -> Reply:
    if _configured(target, disk):
        return _refused_as_configured(target, output)
    if not _opens(target, disk, output):
        return output.reply(BUSY)
    if disk.metadata is not None and not _confirm_overwriting(target, disk, output):
        output.stdout.append("Operation cancelled.\n")
        return output.reply(1)
    if disk.foreign:
        return _keep_foreign(target, disk, output)
    refused = _existing_data(target, disk, output)
    if refused is not None:
        return output.reply(refused)
    disk.metadata, disk.misplaced = generations.fresh(target.world), None
    _print_created(target, disk, output)
    return output.reply()


def _confirm_overwriting(target: Target, disk: Disk, output: Output) -> bool:
    output.stderr.append(
        "You want me to create a v08 style flexible-size internal meta data block.\n"
        "There appears to be a v08 flexible-size internal meta data block\n"
        f"already in place on {disk.device} at byte offset {offsets(disk.size_bytes)[0]}\n"
    )
    return output.confirmed("Do you really want to overwrite the existing meta-data?", target)


def _keep_foreign(target: Target, disk: Disk, output: Output) -> Reply:
    """Asked whether to convert metadata of another generation, and whether to replace them: no."""
    if target.forced or target.world.version == "8.3":
        raise UnsupportedInvocation(f"converting metadata of {disk.foreign} is not modelled")
    kind, back = ("fixed-size", _RESERVED_BY_V07) if disk.foreign == "v07" else ("flexible-size", 4096)
    output.stderr.append(
        "You want me to create a v08 style flexible-size internal meta data block.\n"
        f"There appears to be a {disk.foreign} {kind} internal meta data block\n"
        f"already in place on {disk.device} at byte offset {disk.size_bytes // 4096 * 4096 - back}\n"
    )
    output.confirmed(f"Valid {disk.foreign} meta-data found, convert to v08?", target)
    output.confirmed(
        f"So you want me to replace the {disk.foreign} meta-data\nwith newly initialized v08 meta-data?", target
    )
    output.stdout.append("Operation cancelled.\n")
    return output.reply(1)


def _print_created(target: Target, disk: Disk, output: Output) -> None:
    bitmap = f"initializing bitmap ({bitmap_bytes(disk.size_bytes) // _KIB} KB)"
    if target.world.version == "8.3":
        output.stdout += ["Writing meta data...\n", "initializing activity log\n", "NOT initialized bitmap\n"]
    else:
        output.stdout += ["initializing activity log\n", "Writing meta data...\n"]
        output.stderr.append(f"{bitmap} to all zero\n")
    output.stdout.append("New drbd meta data block successfully created.\n")


def _existing_data(target: Target, disk: Disk, output: Output) -> int | None:
    """Look at the first 68 KiB; the exit status when what lies there ends the call."""
    if disk.signature is None and not disk.residue:
        return None
    names = zip(("md", "al", "bm"), offsets(disk.size_bytes), strict=True)
    output.stdout += [f"{name}_offset {offset}\n" for name, offset in names]
    if disk.signature in ("ext2", "ext3", "ext4", "xfs"):
        return _existing_filesystem(target, disk, output)
    if disk.signature == "swap":
        return _existing_swap(disk, output)
    if disk.signature == "LVM2_member" and target.world.version != "8.3":
        return _existing_volume(disk, output)
    if disk.signature is not None:
        raise UnsupportedInvocation(f"create-md over {disk.signature} is not modelled")
    output.stdout.append("\nFound some data\n\n ==> This might destroy existing data! <==\n")
    return _proceed(target, output)


def _proceed(target: Target, output: Output) -> int | None:
    if output.confirmed("Do you want to proceed?", target):
        return None
    output.stdout.append("Operation canceled.\n")
    return 1


_TRUNCATED = (
    "Device size would be truncated, which\nwould corrupt data and result in\n'access beyond end of device' errors.\n"
)
_ZERO_OUT = (
    "If you want me to do this, you need to zero out the first part\n"
    "of the device (destroy the content).\nYou should be very sure that you mean it.\nOperation refused.\n\n"
)
_ASKS_LVM = (
    "pvs stderr:+ pvs -vvv --noheadings --nosuffix --units s -o pv_size "
    "--config devices {{ write_cache_state=0 filter = [ 'a|{device}|', 'r|.|' ] }}\n"
    "pvs stderr:sh: 1: pvs: not found\n\n"
)


def _existing_filesystem(target: Target, disk: Disk, output: Output) -> int | None:
    used, usable = disk.filesystem_kib or disk.size_bytes // _KIB, usable_kib(disk)
    kind = "xfs" if disk.signature == "xfs" else "ext3"
    output.stdout.append(
        f"\nFound {kind} filesystem\n{used:12d} kB data area apparently used\n"
        f"{usable:12d} kB left usable by current configuration\n\n"
    )
    if used > usable:
        output.stdout.append(
            f"{_TRUNCATED}You need to either\n   * use external meta data (recommended)\n"
            "   * shrink that filesystem first\n   * zero out the device (destroy the filesystem)\n"
            "Operation refused.\n\n"
        )
        return REFUSED
    output.stdout.append(
        "Even though it looks like this would place the new meta data into\n"
        "unused space, you still need to confirm, as this is only a guess.\n"
    )
    return _proceed(target, output)


def _existing_swap(disk: Disk, output: Output) -> int:
    output.stdout.append(
        f"\nFound swap space signature\n{usable_kib(disk):12d} kB left usable by current configuration\n"
        f"{_TRUNCATED}{_ZERO_OUT}"
    )
    return REFUSED


def _existing_volume(disk: Disk, output: Output) -> int:
    """On a host without the tools of LVM."""
    output.stderr.append(_ASKS_LVM.format(device=disk.device))
    output.stdout.append(
        f"\nFound LVM2 physical volume signature\n{usable_kib(disk):12d} kB left usable by current configuration\n"
        f"Could not determine the size of the actually used data area.\n\n{_TRUNCATED}{_ZERO_OUT}"
    )
    return REFUSED


def _wipe(target: Target, disk: Disk, output: Output) -> Reply:
    if _configured(target, disk):
        return _refused_as_configured(target, output)
    if not _opens(target, disk, output):
        return output.reply(BUSY)
    if disk.metadata is None:
        output.stderr.append("There appears to be no drbd meta data to wipe out?\n")
        return output.reply()
    if not output.confirmed("Do you really want to wipe out the DRBD meta data?", target):
        output.stdout.append("Operation cancelled.\n")
        return output.reply(1)
    disk.metadata = None
    output.stdout += ["Wiping meta data...\n", "DRBD meta data block successfully wiped out.\n"]
    return output.reply()


def _readable(target: Target, disk: Disk, output: Output, says_why: bool = True) -> Metadata | Reply:
    if not _opens(target, disk, output):
        return output.reply(BUSY)
    if disk.metadata is None:
        output.stderr.append("No valid meta data found\n" if says_why else "")
        return output.reply(1)
    return disk.metadata


def _dump(target: Target, disk: Disk, output: Output) -> Reply:
    found = _readable(target, disk, output)
    if isinstance(found, Reply):
        return found
    if found.current_uuid != generations.JUST_CREATED or found.effective_kib:
        raise UnsupportedInvocation("dumping metadata that were in use is not modelled")
    superblock, activity_log, bitmap = offsets(disk.size_bytes)
    sectors = (disk.size_bytes // 4096 * 4096 - bitmap) // 512
    numbers = " ".join(f"0x{number:016X};" for number in (found.current_uuid, found.bitmap_uuid, *found.history))
    output.stdout.append(
        "# DRBD meta data dump\n# 2014-05-13 16:53:20 +0000 [1400000000]\n"
        f"# {target.row.name}> drbdmeta {target.minor} v08 {disk.device} internal dump-md\n#\n\n"
        f'version "v08";\n\n# md_size_sect {sectors}\n# md_offset {superblock}\n# al_offset {activity_log}\n'
        f"# bm_offset {bitmap}\n\nuuid {{\n    {numbers}\n    flags 0x00000000;\n}}\n# al-extents 257;\n"
        f"la-size-sect 0;\nbm-byte-per-bit 4096;\ndevice-uuid 0x{found.device_uuid.upper()};\n"
        "la-peer-max-bio-size 0;\nal-stripes 1;\nal-stripe-size-4k 8;\n# bm-bytes 0;\nbm {\n}\n# bits-set 0;\n"
    )
    return output.reply()


def disk_state_word(metadata: Metadata) -> str:
    """What metadata at rest say about the data."""
    if not metadata.consistent:
        return "Inconsistent"
    return "Consistent" if metadata.up_to_date else "Outdated"


def _disk_state(target: Target, disk: Disk, output: Output) -> Reply:
    found = _readable(target, disk, output)
    if isinstance(found, Reply):
        return found
    peer = "/DUnknown" if target.world.version == "8.3" else ""
    output.stdout.append(f"{disk_state_word(found)}{peer}\n")
    return output.reply()


def _generations(target: Target, disk: Disk, output: Output) -> Reply:
    found = _readable(target, disk, output, says_why=False)
    if isinstance(found, Reply):
        return found
    number = found.current_uuid | int(found.marked_on_disk)
    output.stdout.append(generation_line(replace(found, current_uuid=number)))
    return output.reply()


def _apply_activity_log(target: Target, disk: Disk, output: Output) -> Reply:
    if _configured(target, disk):
        return _refused_as_configured(target, output)
    if not _complain_if_busy(target, disk, output, asks=False):
        return output.reply(BUSY)
    _move_to_the_end(disk, output)
    if disk.metadata is None:
        output.stderr.append("No valid meta data found\n")
        return output.reply(1)
    marked = repair_activity_log(disk)
    if marked:
        shown = f"{marked // _KIB} MB" if marked >= 10 * _KIB else f"{marked} KB"
        output.stderr.append(f"Marked additional {shown} as out-of-sync based on AL.\n")
    return output.reply()


def _move_to_the_end(disk: Disk, output: Output) -> None:
    """The host remembers how large the disk was when it was attached, and finds the metadata of one that grew."""
    if disk.metadata is None and disk.misplaced is not None:
        disk.metadata, disk.misplaced = disk.misplaced, None
        output.stderr.append("Moving the internal meta data to its proper location\n")
        output.stdout.append("Internal drbd meta data successfully moved.\n")


def _outdate(target: Target, disk: Disk, output: Output) -> Reply:
    if _configured(target, disk):
        return _refused_as_configured(target, output)
    if disk.metadata is None:
        return output.reply(1)
    if not disk.metadata.consistent:
        output.stderr.append("Device is inconsistent.\n")
        return output.reply(5)
    disk.metadata.up_to_date = False
    return output.reply()


def _invalidate(target: Target, disk: Disk, output: Output) -> Reply:
    if _configured(target, disk):
        return _refused_as_configured(target, output)
    if disk.metadata is None:
        return output.reply(1)
    disk.metadata.consistent = disk.metadata.up_to_date = False
    disk.metadata.full_sync = True
    disk.metadata.oos_kib = agreed_kib(disk)
    return output.reply()


def drbdmeta(call: Call, machine: Machine) -> Reply:
    """``drbdmeta [--force] DEVICE v08 DISK internal VERB``."""
    words = [word for word in call.argv[1:] if word not in ("--force", "-f")]
    if len(words) != 5 or words[1] != "v08" or words[3] != "internal" or call.user != "root":
        raise UnsupportedInvocation(" ".join(call.argv))
    minor = words[0].removeprefix("/dev/drbd").removeprefix("minor-")
    if not minor.isdigit():
        raise UnsupportedInvocation(" ".join(call.argv))
    with machine.world() as world:
        row = machine.row(world)
        target = Target(world, row, int(minor), words[2], len(words) < len(call.argv) - 1)
        reply = run(target, words[4])
        note_destruction(target, words[4], reply, machine.now(), " ".join(call.argv))
        return reply


def note_destruction(target: Target, verb: str, reply: Reply, now: float, command: str) -> None:
    """Tell the world when metadata were made or wiped."""
    wiped = verb == "wipe-md" and reply.stdout.startswith(b"Wiping")
    if reply.exit_status == 0 and (verb in ("create-md", "invalidate") or wiped):
        target.world.record(now, target.row.name, "destroy", command)


PROGRAMS: dict[str, Program] = {"drbdmeta": drbdmeta}
