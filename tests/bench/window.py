"""The vendor's text typed literally, ``staged`` and ``online``, side by side: the window, the whole, and the bytes.

``python -m tests.bench window --objects 5000 --size 512MiB`` measures another store, ``--lab containers`` another lab.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.labs.lab import Start, StoreSpec
from tests.bench import moves
from tests.bench.figure import Figure
from tests.bench.moves import LITERAL, ONLINE, STAGED, Moved

STORES = {  # what is moved where: as much as a small store of production has, and less where hosts share one disk
    "machines": StoreSpec(objects=20_000, bytes=2 * 1024**3, hostile_names=False),
    "containers": StoreSpec(objects=5_000, bytes=512 * 1024**2, hostile_names=False),
}
_MIB = 1024**2
_ROOM = 1.3  # of a device or a staging area, as a multiple of the store
_HEAD = "| | could not read | of that the service's own stop and start | total | read | written |\n" + "|---" * 6 + "|"


def measure(store: StoreSpec, lab: str) -> Iterator[Figure]:
    """Three moves of the same store, each in a lab of its own, one after the other."""
    moved = {kind: moves.move(kind, lab, start_for(kind, store)) for kind in moves.KINDS}
    print("\n".join([_HEAD, *map(_row, moved.values())]), flush=True)
    for one in moved.values():
        yield Figure(f"{one.kind}: no client could read", one.down_s, name=f"{one.kind}_window_s")
        yield Figure(f"{one.kind}: of that the service's own stop and start", one.stopping_s + one.starting_s)
        yield Figure(f"{one.kind}: in total", one.total_s, name=f"{one.kind}_total_s")
        yield Figure(f"{one.kind}: read by the pair's disks", one.read_bytes / _MIB, unit="MiB")
        yield Figure(f"{one.kind}: written by the pair's disks", one.written_bytes / _MIB, unit="MiB")
    window = moved[ONLINE].down_s / moved[LITERAL].down_s
    total = moved[STAGED].total_s / moved[LITERAL].total_s
    yield Figure(
        "window of online, as a share of the literal one", window, 0.10, "", name="window_ratio_online_to_literal"
    )
    yield Figure(
        "total of staged, as a multiple of the literal one", total, 1.0, "", name="total_ratio_staged_to_literal"
    )


def start_for(kind: str, store: StoreSpec) -> Start:
    """The same hosts for all three; the file system is the one that the vendor's line for fstab names."""
    room = int(store.bytes * _ROOM) // _MIB * _MIB + 256 * _MIB
    settings = {"strategy": ONLINE if kind == ONLINE else STAGED, "filesystem": "ext3"}
    return Start(store=store, device_bytes=room, staging_bytes=room, settings=settings)


def _row(one: Moved) -> str:
    own = f"{one.stopping_s:.1f} s + {one.starting_s:.1f} s"
    sizes = f"{one.read_bytes / _MIB:.0f} MiB | {one.written_bytes / _MIB:.0f} MiB"
    return f"| {one.kind} | {one.down_s:.1f} s | {own} | {one.total_s:.0f} s | {sizes} |"
