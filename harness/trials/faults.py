"""Faults at their moments: the catalogue is one table from a scenario's words to a lab's doors."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from harness.errors import LabError
from harness.evidence import BEFORE_ERASING, Receipt, Sent
from harness.hosts.command import Effect, Request, effect_of
from harness.labs.lab import ADDITIONAL, ORIGINAL, Deed, Opened
from harness.migration.control import Control, Orders
from harness.migration.engine import Event
from harness.migration.site import Progress
from harness.trials.controllers import Controllers
from harness.trials.fault_kinds import (
    AdoptedMeanwhile,
    At,
    AtCommand,
    Client,
    Corrupt,
    CutLink,
    DiskErrors,
    Fault,
    FillDisk,
    Freeze,
    FsyncFails,
    Image,
    KillEngine,
    LyingExit,
    OperatorOrder,
    Outsider,
    PowerOff,
    ReadError,
    ResetSsh,
    SecondEngine,
    SlowDisk,
    StallSync,
    UnmodelledCall,
    WriteObject,
)
from harness.trials.strikes import EngineKilled, Strikes
from harness.trials.tap import CommandFaults, program_of

_AT_ONCE_S = 0.001
_SYNC_BEGINS, _SYNCS = "become-primary", ("first-sync", "wait-for-sync")


def roles(host: str) -> tuple[str, ...]:
    """The hosts that a scenario's word means."""
    return (ORIGINAL, ADDITIONAL) if host == "both" else (host,)


@dataclass
class Armed:
    """One fault of the scenario, waiting for its moment."""

    fault: Fault
    sprung: bool = False
    seen: int = 0  # matching commands so far, for faults that count them

    @property
    def fault_at(self) -> tuple[str, str] | None:
        """Step and moment, of a fault that has them."""
        at: At | None = getattr(self.fault, "at", None)
        return (at.step, at.moment) if at else None


@dataclass
class Schedule:
    """Watches the engine and springs each fault at its moment; records what was sent.

    ``controllers`` are those that may start another engine, ``client`` does a client's deed and ``serves`` tells
    whether the original would let it.
    """

    opened: Opened
    faults: Iterable[Fault]
    controllers: Controllers
    census: Callable[[str], None]
    control: Control
    client: Callable[[Deed], Receipt]
    serves: Callable[[], bool]
    attempt: int = 0
    step: str = ""
    sent: list[Sent] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    endings: list[Callable[[], Receipt]] = field(default_factory=list)  # of what lasts as long as an attempt
    acted: list[str] = field(default_factory=list)  # steps of the present attempt

    def __post_init__(self) -> None:
        counted = [fault for fault in self.faults if isinstance(fault, AtCommand)]
        self.strikes = Strikes(self.opened, counted, self.receipts.append)
        self.armed = [Armed(fault) for fault in self.faults if not isinstance(fault, AtCommand)]

    # What the engine tells

    def on_event(self, event: Event) -> None:
        if event.kind in ("acting", "undoing"):
            self.step = event.step
        if event.kind == "acting" and event.step not in self.acted:
            self.acted.append(event.step)
        if event.kind == "acting":
            self._hold_the_sync(event.step)
        if event.kind == "acting":
            self._reach(event.step, "before")
            if event.step == "clear-device":
                self.census(BEFORE_ERASING)
        elif event.kind == "acted":
            self._reach(event.step, "during")
            self._reach(event.step, "after")
        elif event.kind in ("done", "satisfied"):
            self.step = ""

    def _hold_the_sync(self, step: str) -> None:
        """A fault in the middle of the sync needs a sync that is still there when the engine comes to wait for it.

        How long restoring takes differs from lab to lab, so the sync is held until then.
        """
        waited_for = [(sync, "during") for sync in _SYNCS]
        if not any(armed.fault_at in waited_for and not armed.sprung for armed in self.armed):
            return
        if step == _SYNC_BEGINS:
            self.opened.faults.stall_sync()
        elif step in _SYNCS:
            self.opened.faults.resume_sync()

    def on_progress(self, progress: Progress) -> None:
        self._reach(progress.step, "during", progress.fraction or 0.0)

    def before_send(self, role: str, request: Request) -> None:
        self.strikes.before(self.attempt, role, self._name(role), request)

    def _name(self, role: str) -> str:
        return next(node.name for node in self.opened.inventory.nodes() if node.role == role)

    def after_send(self, role: str, request: Request) -> None:
        """A step without progress of its own is in its middle once its first change is made."""
        self.strikes.after(role, self._name(role), request)
        if self.step and effect_of(request) is not Effect.READ:
            self._reach(self.step, "during")

    # Faults that hit a command

    def hit(self, role: str, request: Request) -> CommandFaults | None:
        if counted := self.strikes.hit():
            return counted
        argv = program_of(request)
        if not argv:
            return None
        for armed in self.armed:
            fault = armed.fault
            if armed.sprung or not isinstance(fault, CommandFaults) or fault.host != role or fault.program != argv[0]:
                continue
            if (fault.argument and fault.argument not in argv) or (fault.at and fault.at.step != self.step):
                continue
            armed.seen += 1
            if armed.seen == fault.nth:
                armed.sprung = True
                return fault
        return None

    def proven(self, fault: CommandFaults, detail: str) -> None:
        self.receipts.append(Receipt(self.opened.clock.now(), fault.do, True, detail))

    def truncate(self, fault: LyingExit) -> None:
        if fault.truncates is None:
            return
        try:
            self.receipts.append(self.opened.faults.truncate(fault.host, fault.truncates))
        except LabError as failed:
            self._receipt(fault.do, False, str(failed))

    # Faults that hit the world

    def _reach(self, step: str, moment: str, progress: float | None = None) -> None:
        for armed in self.armed:
            at: At | None = getattr(armed.fault, "at", None)
            if armed.sprung or isinstance(armed.fault, CommandFaults) or at is None:
                continue
            if (at.step, at.moment) != (step, moment):
                continue
            if moment == "during" and at.progress is not None and (progress is None or progress < at.progress):
                continue
            armed.sprung = True
            try:
                self._spring(armed.fault)
            except LabError as failed:
                self._receipt(armed.fault.do, False, str(failed))

    def _spring(self, fault: Fault) -> None:
        doors, timers = self.opened.faults, self.opened.timers
        match fault:
            case KillEngine():
                self._receipt("kill_engine", True, f"in {self.step or fault.at.step}")
                raise EngineKilled(fault.at.step)
            case PowerOff(host=host, for_s=for_s, survives=survives):
                for role in roles(host):
                    chosen = survives.image if isinstance(survives, Image) else survives
                    self.receipts.append(doors.power_off(role, chosen))
                    self._later(for_s, doors.power_on, role)
                self.census(f"{host} without power")
            case Freeze(host=host, for_s=for_s):
                for role in roles(host):
                    self.receipts.append(doors.freeze(role))
                    self._later(for_s, doors.thaw, role)
            case CutLink(for_s=for_s, only_from=sender):
                self.receipts.append(doors.cut_link(sender))
                timers.after(for_s, lambda: self.receipts.append(doors.heal_link()))
            case StallSync(for_s=for_s):
                self.receipts.append(doors.stall_sync())
                timers.after(for_s, lambda: self.receipts.append(doors.resume_sync()))
            case FillDisk(host=role, path=path, until=until):
                self.receipts.append(doors.fill_disk(role, path))
                if until == "attempt_end":
                    self.endings.append(partial(doors.free_disk, role, path))
            case DiskErrors(host=role, for_s=for_s):
                self.receipts.append(doors.break_disk(role))
                self._later(for_s, doors.mend_disk, role)
            case ReadError(host=role, place=place):
                self.receipts.append(doors.break_object(role, place))
                self.endings.append(partial(doors.mend_object, role, place))
            case FsyncFails(host=role, place=place):
                doors.fail_flush(role, place)
                self.endings.append(partial(doors.flush_failed, role, place))
            case SlowDisk(host=role, delay_ms=delay_ms, for_s=for_s):
                self.receipts.append(doors.slow_disk(role, delay_ms))
                self._later(for_s, doors.mend_disk, role)
            case ResetSsh(host=host):
                for role in roles(host):  # beside the engine: the command that it hits has not been sent yet
                    self._later(_AT_ONCE_S, doors.reset_ssh, role)
            case Corrupt(host=role, place=place):
                self.receipts.append(doors.corrupt(role, place))
            case WriteObject(host=role):
                self.receipts.append(doors.write_object(role))
            case Client(does=deeds, every_s=every_s, times=times):
                self._act(deeds, times, every_s)
            case Outsider(host=role, argv=argv, status=status):
                self.receipts.append(doors.outsider(role, tuple(argv), status))
            case UnmodelledCall(host=host):
                self.receipts.extend(doors.unmodelled_call(role) for role in roles(host))
            case OperatorOrder():
                self._order(fault)
            case SecondEngine():
                self._receipt("second_engine", True, f"it ended {self.controllers.second_engine()}")
            case AdoptedMeanwhile(then=then):
                self._receipt(fault.do, True, f"it ended {self.controllers.take_over(then)}")

    def _order(self, fault: OperatorOrder) -> None:
        """Ordered as another terminal would, and taken back when its time is over."""
        names = {"pause": "paused", "throttle": "throttle_kib_s"}
        wanted: dict[str, Any] = {names.get(fault.order, fault.order): fault.kib_s or True}
        before = self.control.orders()
        said = self.control.change(lambda orders: replace(orders, **wanted))
        self._receipt(fault.do, said != before, f"{fault.order}: {said}")
        if fault.for_s is not None:
            self.opened.timers.after(fault.for_s, partial(self._order_back, fault, before, wanted))

    def _order_back(self, fault: OperatorOrder, before: Orders, wanted: Iterable[str]) -> None:
        if self.control.orders() != Orders():  # otherwise what it led to has used it up
            back = {name: getattr(before, name) for name in wanted}
            said = self.control.change(lambda orders: replace(orders, **back))
            self._receipt(fault.do, True, f"{fault.order} taken back: {said}")

    def _act(self, deeds: list[Deed], times: int, every_s: float | None) -> None:
        """One round of a client's deeds now, the others later, beside whatever the engine does then.

        A client that is refused later on, since nobody serves any more, gives up.
        """
        told = [self.client(deed) for deed in deeds]
        self.receipts += told

        def again() -> None:
            if self.serves():
                self._act(deeds, times - 1, every_s)

        if times > 1:
            self.opened.timers.after(every_s or _AT_ONCE_S, again)

    def _later(self, for_s: float | None, action: Callable[[str], Receipt], role: str) -> None:
        if for_s is not None:
            self.opened.timers.after(for_s, lambda: self.receipts.append(action(role)))

    def _receipt(self, fault: str, proven: bool, detail: str) -> None:
        self.receipts.append(Receipt(self.opened.clock.now(), fault, proven, detail))

    def end_of_attempt(self) -> None:
        """Give back what was taken for the length of an attempt."""
        while self.endings:
            self.receipts.append(self.endings.pop()())

    def missed(self) -> None:
        """Every fault that never found its moment is one without proof."""
        for armed in self.armed:
            if not armed.sprung:
                self._receipt(armed.fault.do, False, "its moment never came")
        for strike in self.strikes.waiting:
            self._receipt(strike.do, False, f"command {strike.number} of attempt {strike.attempt} never came")
