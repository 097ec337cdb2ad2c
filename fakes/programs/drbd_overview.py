"""drbd-overview, which comes with 8.3: /proc/drbd with names, and what the devices are used for.

The tools that play 8.4 are drbd-utils 9.22, which have dropped it (ChangeLog, 9.6).
"""

from __future__ import annotations

import posixpath

from fakes.machine import Machine
from fakes.program import Call, Program, Reply, UnsupportedInvocation
from fakes.programs import drbd_printing
from fakes.programs.drbd_model import settle
from fakes.programs.volumes import human
from fakes.world import HostRow, World


def installed(world: World) -> bool:
    """Whether the host's tools still have the program."""
    return world.version == "8.3"


def drbd_overview(call: Call, machine: Machine) -> Reply:
    """``drbd-overview`` without arguments."""
    if len(call.argv) != 1 or call.user != "root":
        raise UnsupportedInvocation(" ".join(call.argv))
    now = machine.now()
    with machine.world() as world:
        if not installed(world):
            return Reply(127, b"", b"sh: drbd-overview: not found\n")
        settle(world, now)
        row = machine.row(world)
        if "drbd" not in row.modules:
            return Reply(0, b"drbd not loaded\n")
        return Reply(0, _in_columns(_rows(machine, world, row, now)).encode("utf-8", "surrogateescape"))


def _rows(machine: Machine, world: World, row: HostRow, now: float) -> list[list[str]]:
    """Cells of a line; a line of one cell is printed as it is."""
    names = {side.minor: (name, side.device) for name, side in row.sides.items()}
    rows: list[list[str]] = []
    for line in drbd_printing.proc_drbd(world, row, now).splitlines()[2:]:
        head, _, rest = line.partition(": cs:")
        if rest:
            name, path = names[int(head)]
            cells = [word.removeprefix("ro:").removeprefix("ds:") for word in rest.split()]
            if cells == ["Unconfigured"]:
                cells += ["."] * 4
            elif len(cells) == 4:
                cells.insert(3, "-")  # no protocol without a peer
            rows.append([f"{int(head):3d}:{name}", "", *cells, *_usage(machine, row, path)])
        elif line.startswith("\t["):
            rows.append([line])
    return rows


def _usage(machine: Machine, row: HostRow, path: str) -> list[str]:
    """Mount point, type, and how full it is, as df would say."""
    mounts = [mount for mount in row.mounts if mount.device == path]
    if not mounts:
        return []
    disk = next((row.disks[side.backing] for side in row.sides.values() if side.device == path and side.backing), None)
    size = disk.filesystem_kib * 1024 if disk else 0
    found = [machine.files.stat(file) for file in machine.files.walk(mounts[-1].at)]
    used = sum(one.size for one in found if one.kind == "file")
    share = f"{-(-100 * used // size) if size else 0}%"
    at = posixpath.normpath(mounts[-1].at)
    return [at, mounts[-1].fstype, human(size), human(used), human(max(0, size - used)), share]


def _in_columns(rows: list[list[str]]) -> str:
    widths: list[int] = []
    for cells in rows:
        for column, cell in enumerate(cells if len(cells) > 1 else []):
            widths += [0] * (column + 1 - len(widths))
            widths[column] = max(widths[column], len(cell) + 1)
    lines = ("".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=False)) for cells in rows)
    return "".join(f"{line}\n" for line in lines)


PROGRAMS: dict[str, Program] = {"drbd-overview": drbd_overview}
