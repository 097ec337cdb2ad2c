"""One move beside another: how long clients could not read, how long it took, what the disks of the pair did for it."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from fakes import content, seeding
from harness.evidence import Event
from harness.hosts.command import Command
from harness.inventory import Inventory
from harness.labs import catalogue
from harness.labs.lab import Opened, Start
from harness.migration.engine import Event as Told
from harness.migration.run import Listeners, Migration
from harness.trials.literal.choices import Choices
from harness.trials.literal.operator import Operator
from tests.bench import reading

LITERAL, STAGED, ONLINE = "literal", "staged", "online"
KINDS = (LITERAL, STAGED, ONLINE)
_READABLE_S = 300.0  # after the move
_SMALL = 64 * 1024
_SECTOR = 512
_WHOLE_DISKS = ("ubd", "sd", "vd", "nvme")


@dataclass(frozen=True)
class Moved:
    """What one move cost."""

    kind: str
    down_s: float  # no client could read
    stopping_s: float  # of that, until the original's service had stopped
    starting_s: float  # of that, from the last start of a service on
    total_s: float
    read_bytes: int  # by the disks of both hosts
    written_bytes: int

    @property
    def own_s(self) -> float:
        """The window without the service's own stopping and starting, on which no order of steps has influence."""
        return self.down_s - self.stopping_s - self.starting_s


class NotMoved(Exception):
    """A move that is to be measured did not end as it must."""


def move(kind: str, lab: str, start: Start) -> Moved:
    """Open a lab of its own and move the store in it, while a client goes on reading.

    Raises:
        NotMoved: it did not complete, or the client could not read afterwards.
    """
    with catalogue.find(lab).open(start) as opened:
        assert opened.connect is not None, f"no client can connect to the hosts of the {lab} lab"
        addresses = [node.address for node in opened.inventory.pair]
        with reading.Client(opened.connect, addresses, wanted(start), opened.clock.now) as client:
            if not client.wait_until_whole(0.0, _READABLE_S):
                raise NotMoved(f"{kind}: the store cannot be read before the move")
            before, began = used(opened.inventory), opened.clock.now()
            message = _work(kind, opened)
            ended = opened.clock.now()
            if not client.wait_until_whole(ended, _READABLE_S):
                raise NotMoved(f"{kind}: the store cannot be read after the move: {message}")
        after, events = used(opened.inventory), opened.truth.events()
    spans = list(reading.unread([one for one in client.rounds if one.began >= began - 1.0]))
    if not spans:
        raise NotMoved(f"{kind}: no outage was seen, and there must be one")
    down_s = sum(end - begin for begin, end in spans)
    stopping_s, starting_s = _own(spans, events, opened.inventory.original.name)
    read, written = (now - then for now, then in zip(after, before, strict=True))
    return Moved(kind, down_s, stopping_s, starting_s, max(ended, spans[-1][1]) - began, read, written)


def _work(kind: str, opened: Opened) -> str:
    folder = Path(tempfile.mkdtemp(prefix="walrus-ha-bench-"))
    began = opened.clock.now()

    def tell(told: Told) -> None:
        if told.kind in ("acting", "done"):
            print(f"  {kind} {opened.clock.now() - began:7.1f} s  {told.kind} {told.step}", flush=True)

    try:
        if kind == LITERAL:
            # The reading of the text after which the objects are there; negative-control.md has the others.
            choices = Choices(stop_before_copy=False, fix_nested="star")
            return Operator(opened.inventory, opened.clock, choices, tell).work().message
        outcome = Migration(opened.inventory, folder / "run", opened.clock, Listeners(tell)).migrate()
        if outcome.outcome != "completed":
            raise NotMoved(f"{kind}: {outcome.outcome}: {outcome.message}")
        return outcome.message
    finally:
        shutil.rmtree(folder)


def wanted(start: Start) -> list[reading.Wanted]:
    """The first, the middle and the last of the small objects in the order in which they are copied."""
    spec = start.store
    items = seeding.plan_store(spec.objects, spec.bytes, spec.seed, spec.hostile_names)
    small = sorted(
        (one for one in items if one.kind == "file" and not one.link_to and 0 < content.size_of(one.content) <= _SMALL),
        key=lambda one: one.path,
    )
    chosen = {one.path: one for one in (small[0], small[len(small) // 2], small[-1])}
    return [reading.Wanted(one.path, content.sha256(one.content)) for one in chosen.values()]


def used(inventory: Inventory) -> tuple[int, int]:
    """Bytes that the disks of the pair have read and written since their hosts started; 0 where they do not tell."""
    read = written = 0
    for node in inventory.pair:
        transport = node.connection.open(node.name)
        try:
            answer = transport.send(Command(("cat", "/proc/diskstats")))
        finally:
            transport.close()
        for line in getattr(answer, "text", "").splitlines():
            fields = line.split()
            if _is_whole(fields[2]):
                read, written = read + int(fields[5]) * _SECTOR, written + int(fields[9]) * _SECTOR
    return read, written


def _is_whole(name: str) -> bool:
    return name.startswith(_WHOLE_DISKS) and not (name.startswith(("sd", "vd")) and name[-1].isdigit())


def _own(spans: list[tuple[float, float]], events: list[Event], original: str) -> tuple[float, float]:
    """Seconds of the outage until the original had stopped, and from the last start of the service that ended it."""
    begin, end = spans[0][0], spans[-1][1]
    walrus = [event for event in events if event.kind == "walrus"]
    stopped = [one.at for one in walrus if one.host == original and one.detail == "STOPPED" and one.at >= begin - 1.0]
    loaded = [one.at for one in walrus if one.detail == "LOADED" and begin < one.at < end]
    stops = [at for at in (one.at for one in walrus if one.detail == "STOPPED") if begin < at < end]
    last_stop = max(stops, default=begin)
    started = min((at for at in loaded if at >= last_stop), default=end)
    return max(0.0, min(stopped, default=begin) - begin), max(0.0, spans[-1][1] - max(started, spans[-1][0]))
