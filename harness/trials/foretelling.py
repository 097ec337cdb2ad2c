"""What a move will send, told before it is sent: the engine itself makes the move on a twin of the site.

One engine, one text: nothing here knows what a step sends. The twin (harness.labs.twin) is built from what was seen on
the hosts, and every request that the engine makes there is noted in its order.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from harness.errors import Refused
from harness.hosts.command import (
    Answer,
    Command,
    Effect,
    Fence,
    PutFile,
    Request,
    StartJob,
    effect_of,
    wire_digest,
)
from harness.hosts.transport import Connection, Transport
from harness.inventory import Hooks, Inventory, Node, ServiceProbe
from harness.labs.twin import Twin, TwinCloud, TwinHost
from harness.migration.engine import Event
from harness.migration.planned import Plan, PlannedCommand, made_of
from harness.migration.run import Listeners, Migration
from harness.migration.survey import HostSeen, Survey

_CANNOT = "the commands cannot be foretold"
_TWIN_WAITS = {"stall": 3600.0, "connect": 3600.0, "service_stop": 3600.0, "service_start": 3600.0}


def foretell(inventory: Inventory, seen: Survey) -> list[PlannedCommand]:
    """Every command of the move in order, those that only look once a step and host.

    Raises:
        Refused: the twin cannot be moved to the end; says what it met.
    """
    recorder = _Recorder()
    with _twin(inventory, seen).open() as (twin, clock, unsupported), TemporaryDirectory(prefix="walrus-ha-") as folder:
        listeners = Listeners(recorder.on_event)
        outcome = Migration(recorder.at(twin), Path(folder), clock, listeners, lambda: "foretold").migrate()
    if unsupported:
        raise Refused(f"the commands cannot be foretold: on a twin of this site {unsupported[0]} is not modelled")
    if outcome.outcome != "completed":
        raise Refused(
            f"the commands cannot be foretold: on a twin of this site the move ended thus:\n{outcome.message}"
        )
    return recorder.commands


def make_plan(migration: Migration) -> Plan:
    """The plan of a move that has not begun: what is seen now, and what will be sent.

    Raises:
        Refused: a move is under way or done, something cannot be seen, or the commands cannot be foretold.
    """
    if migration.began():
        raise Refused(f"{migration.folder}: a plan is made before a move begins, and this one has begun")
    seen = migration.survey()
    commands = foretell(migration.inventory, seen)
    source = str(Path(migration.inventory.source).resolve())
    return made_of(migration.new_run_id(), migration.clock.date(), source, seen, commands)


def _twin(inventory: Inventory, seen: Survey) -> Twin:
    original, additional = (_host(one) for one in seen.pair)
    walruses = [(one.name, one.partition, one.address) for one in seen.walruses]
    waits = inventory.settings.waits.model_copy(update=_TWIN_WAITS)
    settings = inventory.settings.model_copy(
        update={"waits": waits, "window_s": None, "service_probe": ServiceProbe(sample=0), "hooks": Hooks()}
    )
    return Twin(
        replace(inventory, settings=settings),
        original,
        additional,
        TwinCloud(walruses, seen.properties),
        seen.place.mode,
        (seen.place.uid, seen.place.gid),
    )


def _host(seen: HostSeen) -> TwinHost:
    version = ".".join(map(str, seen.drbd[:2]))
    told = (seen.module_loaded, seen.at_boot, seen.drbd_at_boot, seen.drops_caches, seen.lacks, seen.texts)
    old = (seen.old.fstype, seen.old.uuid, seen.old.label) if seen.old else None
    return TwinHost(version, *told, old, seen.areas)


# Noting what is sent


@dataclass
class _Recorder:
    """Stands at the transports of the twin."""

    commands: list[PlannedCommand] = field(default_factory=list)
    _step: str = ""
    _looked: set[tuple[str, str, str]] = field(default_factory=set)

    def on_event(self, event: Event) -> None:
        if event.kind == "acting":
            self._step = event.step
        elif event.kind in ("done", "satisfied"):
            self._step = ""

    def note(self, host: str, request: Request) -> None:
        if not isinstance(request, Command | StartJob | PutFile):
            return
        effect, text = effect_of(request), text_of(request)
        if effect is Effect.READ:
            if not self._step or (self._step, host, text) in self._looked:
                return
            self._looked.add((self._step, host, text))
        self.commands.append(PlannedCommand(self._step, host, effect.value, text, wire_digest(request)))

    def at(self, inventory: Inventory) -> Inventory:
        def noted(node: Node) -> Node:
            return replace(node, connection=_NotedConnection(node.connection, self))

        original, additional, clc = map(noted, inventory.nodes())
        return replace(inventory, original=original, additional=additional, clc=clc)


def text_of(request: Command | StartJob | PutFile) -> str:
    """A request as a plan shows it; the id of a job is no part of it."""
    return str(request.command) if isinstance(request, StartJob) else str(request)


@dataclass(frozen=True)
class _NotedConnection:
    inner: Connection
    recorder: _Recorder

    def open(self, name: str) -> Transport:
        return _Noted(name, self.inner.open(name), self.recorder)

    def describe(self) -> str:
        return self.inner.describe()

    def weakness(self) -> str | None:
        return self.inner.weakness()


@dataclass(frozen=True)
class _Noted:
    name: str
    inner: Transport
    recorder: _Recorder

    def send(self, request: Request, fence: Fence | None = None) -> Answer:
        self.recorder.note(self.name, request)
        return self.inner.send(request, fence)

    def close(self) -> None:
        self.inner.close()
