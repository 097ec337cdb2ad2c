"""Machines as objects of this process, on a virtual clock.

Nothing runs by itself: time passes only in ``advance`` and while a foreground command runs, and then everything that
was due in between (chunks of detached jobs, ticks of daemons) happens in order of time. The same calls in the same
order give the same world.
"""

from __future__ import annotations

import shlex
from contextlib import AbstractContextManager
from types import TracebackType

from fakes import programs
from fakes.fence import EpochFence, Records
from fakes.jobs import JobStatus, Processes
from fakes.memory import MemoryFilesystem
from fakes.pace import Pace
from fakes.program import Call, Reply, Slow, UnsupportedInvocation, go_on
from fakes.schedule import Schedule
from fakes.volume import Published, Survival, only_flushed
from fakes.world import HostRow, World

COMMAND_S = Pace().command_s
NOT_MODELLED_STATUS = 70
_RUN = "/var/run"
_CALENDAR_STARTS_NS = 1_400_000_000 * 10**9


class NoAnswer(Exception):
    """The machine gave no answer. ``ran`` tells whether the command had begun."""

    def __init__(self, host: str, why: str, ran: bool) -> None:
        self.ran = ran
        super().__init__(f"{host} {why}")


class HostDown(NoAnswer):
    """The machine has no power, or lost it while the command ran."""


class HostSilent(NoAnswer):
    """The machine is frozen, or the answer would come later than anybody waits; what had begun goes on."""


class SimulatedWorld:
    """The shared state, the time, and the machines by name."""

    def __init__(self, version: str = "8.4") -> None:
        self.state = World(version=version)
        self.schedule = Schedule()
        self.machines: dict[str, SimulatedMachine] = {}
        self.published: dict[str, Published] = {}
        self.pace = Pace()
        self._locked = False

    @property
    def now(self) -> float:
        return self.schedule.now

    def advance(self, seconds: float) -> None:
        """Let virtual time pass."""
        self.schedule.advance(seconds)

    def now_ns(self) -> int:
        """The virtual calendar, for times of files."""
        return _CALENDAR_STARTS_NS + round(self.schedule.now * 10**9)

    def add_host(self, name: str, address: str, role: str) -> SimulatedMachine:
        """A machine that is running and has an empty root directory."""
        self.state.hosts[name] = HostRow(name, address, boot_id=_boot_id(len(self.machines), 1), role=role)
        machine = SimulatedMachine(name, self, len(self.machines))
        self.machines[name] = machine
        return machine

    def at_address(self, address: str) -> SimulatedMachine | None:
        """The machine that has an address, whether it runs or not."""
        for row in self.state.hosts.values():
            if address in (row.address, row.replication_address):
                return self.machines[row.name]
        return None

    def settle(self) -> None:
        """Let everything happen that the DRBD kernels would have done by now, data that reached the peer included.

        Due before a link, a speed or a power state changes; here the machines' own methods call it.
        """
        from fakes.programs import drbd_content

        with self as world:
            for machine in self.machines.values():
                if machine.row(world).powered:
                    drbd_content.replicate(machine, world)

    def cut_link(self, one: str, other: str) -> None:
        """Nothing passes between two machines any more; what goes over other links goes on."""
        self.settle()
        pair = sorted((one, other))
        if pair not in self.state.cut_links:
            self.state.cut_links.append(pair)
            self.state.record(self.now, pair[0], "link", f"cut {pair[1]}")

    def heal_link(self, one: str, other: str) -> None:
        """End what ``cut_link`` did."""
        self.settle()
        pair = sorted((one, other))
        if pair in self.state.cut_links:
            self.state.cut_links.remove(pair)
            self.state.record(self.now, pair[0], "link", f"healed {pair[1]}")
            self.settle()  # the peers find each other whether or not anybody looks

    def stall_sync(self, stalled: bool) -> None:
        """Resyncs stand still, or go on."""
        self.settle()
        for resource in self.state.resources.values():
            resource.sync_stalled = stalled

    def __enter__(self) -> World:
        # In containers the world is locked by file: a nested block would wait for itself forever.
        if self._locked:
            raise RuntimeError("blocks on the world do not nest")
        self._locked = True
        return self.state

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._locked = False


class SimulatedMachine:
    """One machine of a simulated world; implements fakes.machine.Machine."""

    def __init__(self, name: str, simulation: SimulatedWorld, number: int) -> None:
        self.name = name
        self.simulation = simulation
        self.files = MemoryFilesystem(simulation.now_ns, simulation.published)
        self.fence = EpochFence()
        self.records = Records()
        self.node_name = name  # what uname -n prints; a lab may plant another
        self.missing_programs: set[str] = set()  # planted: not installed here
        self.wrong_programs: set[str] = set()  # planted: they give wrong answers
        self.kernel = "2.6.32-279.el6.x86_64"  # what uname -r prints
        self.locked_settings = False  # as in a container: root cannot change what is below /proc/sys
        self._number = number
        self._boots = 1
        self._processes = Processes(simulation.schedule, lambda: self._row.frozen)
        self._daemons: dict[int, str] = {}

    # As programs see it

    def world(self) -> AbstractContextManager[World]:
        return self.simulation

    def row(self, world: World) -> HostRow:
        return world.hosts[self.name]

    def now(self) -> float:
        return self.simulation.now

    def spawn(self, daemon: str) -> int:
        pid = self._row.next_pid
        self._row.next_pid += 1
        self._daemons[pid] = daemon
        self._processes.start(self._ticks(pid, daemon), daemon=True)
        return pid

    def kill(self, pid: int) -> None:
        self._daemons.pop(pid, None)

    def alive(self, pid: int) -> bool:
        return pid in self._daemons

    def _ticks(self, pid: int, daemon: str) -> Slow:
        from fakes.programs.daemons import DAEMONS

        while True:
            yield self.simulation.state.cloud.tick_s
            if pid not in self._daemons:
                return Reply()
            try:
                DAEMONS[daemon](self)
            except UnsupportedInvocation as unknown:
                self._note_unsupported(f"{daemon}: {unknown}")

    # As a transport uses it

    def execute(self, call: Call, timeout_s: float | None = None) -> Reply:
        """Run a program to its end while time passes.

        Raises:
            HostDown, HostSilent: with ``ran`` False when the program was not begun.
        """
        self._arrive()
        steps, boot, waited_s = self._process(call), self._boots, 0.0
        while not isinstance(said := go_on(steps), Reply):
            pause_s = said
            if timeout_s is not None and waited_s + pause_s > timeout_s:
                self._leave(steps, pause_s)
                self.simulation.advance(timeout_s - waited_s)
                raise HostSilent(self.name, f"gave no answer for {timeout_s:g} s", ran=True)
            waited_s += pause_s
            self.simulation.advance(pause_s)
            if self._boots != boot or not self._row.powered:
                steps.close()
                raise HostDown(self.name, "went down while the command ran", ran=True)
            if self._row.frozen:
                self._leave(steps, 0.0)
                raise HostSilent(self.name, "froze while the command ran", ran=True)
        return said

    def _leave(self, steps: Slow, after_s: float) -> None:
        """Nobody waits any more for a program that is under way; it goes on."""
        self._processes.start(steps, after_s)

    def start_job(self, job_id: str, call: Call) -> None:
        """Start a detached job unless there was one of this id already."""
        self._arrive()
        self._processes.start_job(job_id, self._process(call))

    def poll_job(self, job_id: str) -> tuple[JobStatus, Reply | None]:
        """absent, running, done (with its answer) or dead (killed, or the machine lost power)."""
        self._arrive()
        return self._processes.poll_job(job_id)

    def stop_job(self, job_id: str) -> None:
        """Kill a detached job if it runs."""
        self._arrive()
        self._processes.stop_job(job_id)

    def pause_job(self, job_id: str) -> None:
        """Let a detached job stand still if it runs."""
        self._arrive()
        self._processes.pause_job(job_id)

    def continue_job(self, job_id: str) -> None:
        """Let a paused job go on."""
        self._arrive()
        self._processes.continue_job(job_id)

    def put(self, path: str, content: bytes, mode: int | None = None) -> None:
        """Replace a file as a whole, durably.

        Raises:
            OSError: as the file system says.
        """
        self._arrive()
        self.files.replace(path, content, mode)

    def claim(self, run_id: str, epoch: int, takes_over: str | None = None) -> None:
        """See EpochFence; raises HeldByOther and StaleEpoch."""
        self._arrive()
        self.fence.claim(run_id, epoch, self._row.boot_id, takes_over)

    def keep_record(self, name: str, content: bytes, offset: int) -> None:
        """See Records; raises OSError."""
        self._arrive()
        self.records.keep(name, content, offset)

    def ask_record(self, name: str) -> bytes | None:
        """What is kept under a name."""
        self._arrive()
        return self.records.kept.get(name)

    def release(self, run_id: str, epoch: int) -> None:
        """See EpochFence; raises StaleEpoch and OtherLife."""
        self._arrive()
        self.fence.release(run_id, epoch, self._row.boot_id)

    def check(self, run_id: str, epoch: int) -> None:
        """The fence in front of every change; takes no time. Raises StaleEpoch and OtherLife."""
        self.fence.check(run_id, epoch, self._row.boot_id)

    def holder(self) -> tuple[str, int]:
        """The run and the epoch that are granted."""
        self._arrive()
        return self.fence.run_id, self.fence.epoch

    def _arrive(self) -> None:
        """A request reaches the machine, which takes a moment."""
        self._require_awake()
        self.simulation.advance(self.simulation.pace.command_s)
        self._require_awake()

    def _require_awake(self) -> None:
        if not self._row.powered:
            raise HostDown(self.name, "is down", ran=False)
        if self._row.frozen:
            raise HostSilent(self.name, "does not answer", ran=False)

    def _process(self, call: Call) -> Slow:
        """The steps of any program, and its answer also when it is not modelled."""
        if call.argv[0] in self.missing_programs:
            return Reply(127, b"", f"sh: {call.argv[0]}: not found\n".encode())
        try:
            outcome = programs.dispatch(call, self)
            return outcome if isinstance(outcome, Reply) else (yield from outcome)
        except UnsupportedInvocation as unknown:
            said = f"{shlex.join(call.argv)}: {unknown}"
            self._note_unsupported(said)
            return Reply(NOT_MODELLED_STATUS, b"", f"fake: not modelled: {said}\n".encode("utf-8", "surrogateescape"))

    def _note_unsupported(self, said: str) -> None:
        self.simulation.state.unsupported.append(f"{self.name}: {said}")

    # As a lab uses it

    @property
    def _row(self) -> HostRow:
        return self.simulation.state.hosts[self.name]

    def freeze(self) -> None:
        """Stop everything on the machine, as it is, until ``thaw``."""
        self.simulation.settle()
        self._row.frozen = True
        self._record("frozen", "on")

    def thaw(self) -> None:
        """Let a frozen machine go on."""
        self.simulation.settle()
        self._row.frozen = False
        self._record("frozen", "off")
        self._processes.thaw()

    def power_off(self, survival: Survival = only_flushed) -> None:
        """Cut the power: what was not flushed is lost, and all that kernel and init knew."""
        self._processes.end_all()
        self._daemons.clear()
        self.files.power_cut(survival)
        self.simulation.settle()  # now, so that the peer has what was on stable storage and no more
        row = self._row
        row.powered = row.frozen = False
        row.modules, row.mounts, row.listening = [], [], []
        for service in row.services.values():
            service.running, service.pid = False, 0
        row.sides = {}
        self._record("power", "off")

    def power_on(self) -> None:
        """Start the machine: a new boot id, and the services that start at boot."""
        self.simulation.settle()
        row = self._row
        self._boots += 1
        row.powered, row.boot_id = True, _boot_id(self._number, self._boots)
        self._clear_run_directory()
        self._record("power", "on")
        self._mount_by_fstab()
        self._leave(self._start_services(), 0.0)

    def _start_services(self) -> Slow:
        """What init does: a script that waits keeps those after it waiting."""
        from fakes.programs.services import starting_at_boot

        for name in starting_at_boot(self._row.services):
            yield from self._process(Call(("service", name, "start")))
        return Reply()

    def _mount_by_fstab(self) -> None:
        """What rc.sysinit does: where it cannot mount, a host of 2012 waits for somebody at its console."""
        from fakes.programs.mounts import mounted_at_boot

        for at in mounted_at_boot(self, self._row):
            reply = programs.run(Call(("mount", at)), self)
            if reply.exit_status != 0:
                self._note_unsupported(f"a boot that ends in the emergency shell: {reply.stderr.decode()}")

    def _clear_run_directory(self) -> None:
        """What rc.sysinit does at boot: nothing in /var/run outlives the processes that it tells of."""
        if self.files.exists(_RUN):
            for path in [path for path in self.files.walk(_RUN) if self.files.stat(path).kind == "file"]:
                self.files.unlink(path)

    def _record(self, kind: str, detail: str) -> None:
        self.simulation.state.record(self.now(), self.name, kind, detail)


def _boot_id(number: int, boots: int) -> str:
    return f"{number:08x}-0000-4000-8000-{boots:012x}"
