"""What drbdadm, drbdsetup and the kernel print about resources."""

from __future__ import annotations

from fakes.programs import drbd_rules as rules
from fakes.programs import drbd_vocabulary as vocabulary
from fakes.programs.drbd_replica import KIB, Replica
from fakes.world import HostRow, Metadata, World

BUILD_84 = "409097fe02187f83790b88ac3e0d94f3c167adab\\ reproducible\\ build\\,\\ 2023-01-09\\ 14:51:18"
BUILD_83 = "e2a8ef4656be026bbae540305fcb998a5991090f\\ build\\ by\\ dag@Build64R6\\,\\ 2011-11-20\\ 10:57:03"
_PROC_HEADS = {
    "8.4": "version: 8.4.11 (api:1/proto:86-101)\nsrcversion: 059B1B470318F053F5077D5 \n",
    "8.3": "version: 8.3.12 (api:88/proto:86-96)\nGIT-hash: " + BUILD_83.replace("\\", "") + "\n",
}
_PROGRESS_IN_MIB_ABOVE_KIB = 4 * KIB * KIB


# /proc/drbd


def proc_drbd(world: World, row: HostRow, now: float) -> str:
    """The file's text."""
    text = _PROC_HEADS[world.version]
    previous = -1
    for name, side in sorted(row.sides.items(), key=lambda item: item[1].minor):
        if side.configured:
            text += "\n" if side.minor != previous + 1 else ""
            text += _minor_lines(Replica(world, row, world.resources[name], side), now)
            previous = side.minor
    return text


def _minor_lines(one: Replica, now: float) -> str:
    side = one.side
    if (side.connection, side.disk, side.role) == ("StandAlone", "Diskless", "Secondary"):
        return f"{side.minor:2d}: cs:Unconfigured\n"
    protocol = side.options.get("protocol", "C") if side.local else " "
    counted = {name: side.counters.get(name, 0) for name in ("ns", "nr", "dw", "dr", "al", "bm")}
    figures = " ".join(f"{name}:{value}" for name, value in counted.items())
    oos = one.metadata.oos_kib if one.metadata else 0
    text = (
        f"{side.minor:2d}: cs:{side.connection} ro:{side.role}/{side.peer_role} ds:{side.disk}/{side.peer_disk}"
        f" {protocol} {_flags(one)}\n"
        f"    {figures} lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:{oos}\n"
    )
    return text + _progress_lines(one, now)


def _flags(one: Replica) -> str:
    side = one.side
    marks = ((side.paused_by_peer, "p"), (side.paused_by_user, "u"), (False, ""), (side.activity_log_suspended, "s"))
    return "r-" + "".join(mark if shown else "-" for shown, mark in marks)


def _progress_lines(one: Replica, now: float) -> str:
    side = one.side
    if side.connection not in ("SyncSource", "SyncTarget", "VerifyS", "VerifyT"):
        return ""
    left, total = _left_and_total(one)
    per_mil = _per_mil_done(left, total)
    bars = per_mil // 50
    verb = "verified" if side.connection in rules.VERIFYING else "sync'ed"
    bar = "=" * (bars - 1) + ">" + "." * (20 - bars)
    unit, divisor = ("M", KIB) if total > _PROGRESS_IN_MIB_ABOVE_KIB else ("K", 1)
    seconds = max(1, int(now - side.sync_started_at))
    speed = (total - left) // seconds
    remaining = seconds * (left // ((total - left) // 100 + 1)) // 100
    finish = f"{remaining // 3600}:{remaining % 3600 // 60:02d}:{remaining % 60:02d}"
    wanted = f" want: {one.resource.sync_bytes_per_s // KIB:,}" if side.connection in ("SyncTarget", "VerifyS") else ""
    stalled = " (stalled)" if one.resource.sync_stalled and now - side.sync_started_at > 180 else ""
    return (
        f"\t[{bar}] {verb}:{per_mil // 10:3d}.{per_mil % 10}% ({left // divisor}/{total // divisor}){unit}\n"
        f"\tfinish: {finish} speed: {speed:,} ({speed:,}){wanted} K/sec{stalled}\n"
    )


def _left_and_total(one: Replica) -> tuple[int, int]:
    if one.side.connection in rules.VERIFYING:
        return one.side.verify_left_kib, one.size_kib
    oos = one.metadata.oos_kib if one.metadata else 0
    return oos, max(oos, one.side.sync_oos_at_start_kib)


def _per_mil_done(left_kib: int, total_kib: int) -> int:
    left_bits, total_bits = left_kib // 4, total_kib // 4
    return 1000 - (left_bits >> 10) * 1000 // (1 + (total_bits >> 10))


# status


def status(one: Replica) -> str:
    """One resource as ``drbdsetup status`` of 8.4 shows it."""
    side = one.side
    lines = [f"{one.resource.name} role:{side.role}", f"  disk:{side.disk}"]
    if one.talking:
        lines += [f"  peer role:{side.peer_role}", *_replication(one)]
    elif side.local:
        lines.append("  peer connection:Connecting")
    return "\n".join(lines) + "\n\n"


def _replication(one: Replica) -> list[str]:
    side = one.side
    word = "Established" if side.connection == "Connected" else side.connection
    line = f"    replication:{word} peer-disk:{side.peer_disk}"
    if word != "Established":
        left, total = _left_and_total(one)
        line += f" done:{100 * (total - left) / total if total else 100:.2f}"
    paused = [name for shown, name in ((side.paused_by_user, "user"), (side.paused_by_peer, "peer")) if shown]
    if not paused:
        return [line]
    suspended = f"resync-suspended:{','.join(paused)}"
    return [f"{line} {suspended}"] if len(line) + len(suspended) < 79 else [line, f"        {suspended}"]


def status_xml(config_file: str, resources: list[tuple[str, int, Replica | None]]) -> str:
    """All resources as ``drbdadm status`` of 8.3 shows them."""
    lines = ['<drbd-status version="8.3.12" api="88">', f'<resources config_file="{config_file}">']
    for name, minor, one in resources:
        if one is None:
            lines.append(f'<!-- resource minor="{minor}" name="{name}" not available or not yet created -->')
            continue
        side = one.side
        start = f'<resource minor="{minor}" name="{name}"'
        if (side.connection, side.disk) == ("StandAlone", "Diskless"):
            lines.append(f'{start} cs="Unconfigured" />')
            continue
        states = f'ro1="{side.role}" ro2="{side.peer_role}" ds1="{side.disk}" ds2="{side.peer_disk}"'
        paused = " peer_isp" * side.paused_by_peer + " user_isp" * side.paused_by_user
        lines.append(f'{start} cs="{side.connection}" {states}{paused}{_resynced(one)} />')
    return "\n".join([*lines, "</resources>", "</drbd-status>"]) + "\n"


def _resynced(one: Replica) -> str:
    if one.side.connection not in rules.SYNCING | rules.VERIFYING:
        return ""
    per_mil = _per_mil_done(*_left_and_total(one))
    return f' resynced_percent="{per_mil // 10}.{per_mil % 10}"'


# Generations


def generation_line(metadata: Metadata) -> str:
    """As ``get-gi`` prints it."""
    numbers = (metadata.current_uuid, metadata.bitmap_uuid, *metadata.history)
    flags = (
        metadata.consistent,
        metadata.up_to_date,
        metadata.primary,
        metadata.connected,
        metadata.full_sync,
        metadata.peer_outdated,
        metadata.crashed_primary,
    )
    return ":".join([*(f"{number:016X}" for number in numbers), *(str(int(flag)) for flag in flags)]) + "\n"


# Versions and usage


def version(played: str, module_loaded: bool) -> str:
    """``drbdadm --version`` of a host that plays this version."""
    if played == "8.3":
        code = 0x08030C if module_loaded else 0
        build, api, userland, words = BUILD_83, 88, 0x08030C, "8.3.12"
    else:
        code = 0x08040B if module_loaded else 0
        build, api, userland, words = BUILD_84, 1, 0x091600, "9.22.0"
    return (
        f"DRBDADM_BUILDTAG=GIT-hash:\\ {build}\nDRBDADM_API_VERSION={api}\n"
        f"DRBD_KERNEL_VERSION_CODE=0x{code:06x}\nDRBDADM_VERSION_CODE=0x{userland:06x}\nDRBDADM_VERSION={words}\n"
    )


_OPTIONS_84 = (
    "GENERAL OPTIONS:\n"
    "  --stacked, -S\n  --dry-run, -d\n  --verbose, -v\n  --config-file=..., -c ...\n"
    "  --config-to-test=..., -t ...\n  --drbdsetup=..., -s ...\n  --drbdmeta=..., -m ...\n"
    "  --drbd-proxy-ctl=..., -p ...\n  --sh-varname=..., -n ...\n  --peer=..., -P ...\n"
    "  --version, -V\n  --setup-option=..., -W ...\n  --help, -h\n\n"
)
_OPTIONS_83 = (
    "OPTIONS:\n {--stacked|-S}\n {--dry-run|-d}\n {--verbose|-v}\n {--config-file|-c} val\n"
    " {--config-to-test|-t} val\n {--drbdsetup|-s} val\n {--drbdmeta|-m} val\n {--drbd-proxy-ctl|-p} val\n"
    " {--sh-varname|-n} val\n {--force|-f}\n {--peer|-P} val\n {--version|-V}\n\n"
)


def usage(version_played: str, reason: str, command: str = "") -> str:
    """What drbdadm prints when it is called wrong."""
    if version_played == "8.3":
        head = "\nUSAGE: drbdadm [OPTION...] [-- DRBDSETUP-OPTION...] COMMAND {all|RESOURCE...}\n\n"
        tail = f"\nVersion: 8.3.12 (api:88)\nGIT-hash: {BUILD_83}\n".replace("\\", "")
        reason = f"\n{reason}\n" if reason else ""
        return head + _OPTIONS_83 + "COMMANDS:\n" + _in_columns(vocabulary.DRBDADM_83) + tail + reason
    who = f"drbdadm {command} [OPTION...]" if command else "drbdadm COMMAND [OPTION...]"
    commands = "" if command else "COMMANDS:\n" + _in_columns(vocabulary.DRBDADM_84) + "\n"
    tail = f"Version: 9.22.0 (api:1)\nGIT-hash: {BUILD_84}\n".replace("\\", "")
    return f"\nUSAGE: {who} {{all|RESOURCE...}}\n\n{_OPTIONS_84}{commands}{tail}\n{reason}\n"


def _in_columns(names: list[str]) -> str:
    pairs = [names[at : at + 2] for at in range(0, len(names), 2)]
    return "".join("".join(f" {name:<34}" for name in pair).rstrip("\n") + " \n" for pair in pairs)
