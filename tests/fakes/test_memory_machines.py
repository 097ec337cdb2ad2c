"""Simulated machines: time, answers that do not come, detached jobs, power, fence."""

from __future__ import annotations

from functools import partial

import pytest

from fakes.fence import HeldByOther, OtherLife, StaleEpoch
from fakes.program import Call
from fakes.seeding import materialise, plan_store
from fakes.simulated import COMMAND_S, HostDown, HostSilent, SimulatedMachine, SimulatedWorld
from fakes.world import Disk, Service, Side

RSYNC = ("rsync", "-aHAXSx", "--numeric-ids", "--delete", "--partial", "--stats", "--bwlimit=1000")
COPY = Call((*RSYNC, "--", "/store/", "/copy/"))  # of 10 MB: about 10 seconds
CONFIGURATION = b'CLOUD_OPTS="--log-level=INFO"\n'


@pytest.fixture
def simulation() -> SimulatedWorld:
    return SimulatedWorld()


@pytest.fixture
def machine(simulation: SimulatedWorld) -> SimulatedMachine:
    made = simulation.add_host("walrus00", "10.0.0.10", "original")
    materialise(made.files, "/store", plan_store(40, 10_000_000, 3, False), 498, 498)
    return made


# Time


def test_a_command_takes_a_moment_and_a_copy_as_long_as_its_bytes(machine: SimulatedMachine) -> None:
    machine.execute(Call(("uname", "-n")))
    assert machine.now() == pytest.approx(COMMAND_S)
    assert machine.execute(COPY).exit_status == 0
    assert machine.now() == pytest.approx(10_000_000 / 1000 / 1024, rel=0.1)


def test_due_things_happen_in_order_of_time(simulation: SimulatedWorld) -> None:
    seen: list[tuple[str, float]] = []

    def happen(name: str) -> None:
        seen.append((name, simulation.now))

    for name, when in (("late", 2.0), ("first", 1.0), ("second", 1.0), ("never", 3.1)):
        simulation.schedule.at(when, partial(happen, name))
    simulation.advance(3.0)
    assert seen == [("first", 1.0), ("second", 1.0), ("late", 2.0)]
    assert simulation.now == 3.0


def test_time_does_not_pass_inside_an_event(simulation: SimulatedWorld) -> None:
    simulation.schedule.at(1.0, lambda: simulation.advance(1.0))
    with pytest.raises(RuntimeError):
        simulation.advance(2.0)


def test_files_carry_the_virtual_time(machine: SimulatedMachine, simulation: SimulatedWorld) -> None:
    simulation.advance(100.0)
    machine.files.write("/a", b"")
    simulation.advance(2.5)
    machine.files.write("/b", b"")
    assert machine.files.stat("/b").mtime_ns - machine.files.stat("/a").mtime_ns == 2_500_000_000


def test_the_world_is_locked_once(machine: SimulatedMachine) -> None:
    with machine.world(), pytest.raises(RuntimeError), machine.world():
        pass
    with machine.world() as world:
        assert machine.row(world).name == "walrus00"


# Answers that do not come


def test_a_machine_without_power_takes_no_command(machine: SimulatedMachine) -> None:
    machine.power_off()
    for ask in (
        lambda: machine.execute(Call(("uname", "-n"))),
        lambda: machine.put("/a", b""),
        lambda: machine.poll_job("x"),
        lambda: machine.claim("run", 1),
    ):
        with pytest.raises(HostDown) as caught:
            ask()
        assert not caught.value.ran


def test_power_lost_during_a_command(machine: SimulatedMachine, simulation: SimulatedWorld) -> None:
    simulation.schedule.at(5.0, machine.power_off)
    with pytest.raises(HostDown) as caught:
        machine.execute(COPY)
    assert caught.value.ran
    assert simulation.now == pytest.approx(5.0, abs=0.5)


def test_a_reboot_during_a_command_ends_it_too(machine: SimulatedMachine, simulation: SimulatedWorld) -> None:
    def reboot() -> None:
        machine.power_off()
        machine.power_on()

    simulation.schedule.at(5.0, reboot)
    with pytest.raises(HostDown) as caught:
        machine.execute(COPY)
    assert caught.value.ran


def test_a_frozen_machine_is_silent_and_goes_on_where_it_stood(
    machine: SimulatedMachine, simulation: SimulatedWorld
) -> None:
    simulation.schedule.at(5.0, machine.freeze)
    with pytest.raises(HostSilent) as caught:
        machine.execute(COPY)
    assert caught.value.ran
    half = machine.files.received["/copy"]
    simulation.advance(1000.0)
    assert machine.files.received["/copy"] == half
    with pytest.raises(HostSilent) as refused:
        machine.execute(Call(("sync",)))
    assert not refused.value.ran
    machine.thaw()
    simulation.advance(1000.0)
    assert machine.files.received["/copy"] == 10_000_000


def test_nobody_waits_longer_than_the_limit_and_the_program_goes_on(
    machine: SimulatedMachine, simulation: SimulatedWorld
) -> None:
    with pytest.raises(HostSilent) as caught:
        machine.execute(COPY, timeout_s=4.0)
    assert caught.value.ran
    assert simulation.now == pytest.approx(4.0, abs=0.01)
    simulation.advance(60.0)
    assert machine.files.received["/copy"] == 10_000_000


def test_a_program_that_is_taken_away_is_not_found(machine: SimulatedMachine) -> None:
    machine.missing_programs.add("rsync")
    assert machine.execute(COPY).exit_status == 127
    reply = machine.execute(Call(("which", "rsync", "find")))
    assert (reply.exit_status, reply.stdout) == (1, b"/usr/bin/find\n")


# Jobs


def test_a_job_goes_on_by_itself_and_keeps_its_answer(machine: SimulatedMachine, simulation: SimulatedWorld) -> None:
    assert machine.poll_job("copy") == ("absent", None)
    machine.start_job("copy", COPY)
    machine.start_job("copy", COPY)
    simulation.advance(5.0)
    assert machine.poll_job("copy") == ("running", None)
    assert 0 < machine.files.received["/copy"] < 10_000_000
    simulation.advance(60.0)
    status, reply = machine.poll_job("copy")
    assert status == "done"
    assert reply is not None
    assert b"Literal data: 10,000,000 bytes" in reply.stdout
    assert machine.files.received["/copy"] == 10_000_000, "started once"


def test_other_commands_are_answered_while_a_job_runs(machine: SimulatedMachine, simulation: SimulatedWorld) -> None:
    machine.start_job("copy", COPY)
    simulation.advance(3.0)
    before = machine.files.received["/copy"]
    assert machine.execute(Call(("du", "-s", "-k", "--", "/copy"))).exit_status == 0
    simulation.advance(3.0)
    assert machine.files.received["/copy"] > before


def test_an_ordinary_program_as_a_job_is_done_at_once(machine: SimulatedMachine) -> None:
    machine.start_job("name", Call(("uname", "-n")))
    status, reply = machine.poll_job("name")
    assert (status, reply and reply.stdout) == ("done", b"walrus00\n")


def test_a_power_cut_kills_jobs_and_keeps_the_records_of_those_that_ended(
    machine: SimulatedMachine, simulation: SimulatedWorld
) -> None:
    machine.start_job("name", Call(("uname", "-n")))
    machine.start_job("copy", COPY)
    simulation.advance(5.0)
    machine.power_off()
    machine.power_on()
    assert machine.poll_job("name")[0] == "done"
    assert machine.poll_job("copy") == ("dead", None)
    assert not machine.files.exists("/copy"), "nothing of it was flushed"
    simulation.advance(60.0)
    assert not machine.files.exists("/copy")


def test_a_job_that_is_not_modelled_says_so(machine: SimulatedMachine) -> None:
    machine.start_job("odd", Call(("rsync", "--daemon")))
    status, reply = machine.poll_job("odd")
    assert (status, reply and reply.exit_status) == ("done", 70)
    assert machine.simulation.state.unsupported


# Power


def test_a_power_cut_takes_what_kernel_and_init_knew(machine: SimulatedMachine, simulation: SimulatedWorld) -> None:
    row = simulation.state.hosts["walrus00"]
    row.modules.append("drbd")
    row.sides["r0"] = Side(configured=True)
    row.disks["/dev/sdb"] = Disk("/dev/sdb", 1024**3, signature="ext4")
    row.services["eucalyptus-cloud"] = Service(running=True, pid=9, starts_at_boot=False)
    before = row.boot_id
    machine.power_off()
    assert (row.powered, row.modules, row.mounts) == (False, [], [])
    assert not any(side.configured for side in row.sides.values())
    assert not row.services["eucalyptus-cloud"].running
    assert row.disks["/dev/sdb"].signature == "ext4"
    machine.power_on()
    assert row.powered
    assert row.boot_id != before
    assert machine.execute(Call(("cat", "/proc/sys/kernel/random/boot_id"))).stdout == row.boot_id.encode() + b"\n"
    assert [(found.kind, found.detail) for found in simulation.state.events] == [("power", "off"), ("power", "on")]


@pytest.mark.parametrize("starts", [True, False])
def test_services_start_at_boot_when_they_are_set_to(machine: SimulatedMachine, starts: bool) -> None:
    simulation = machine.simulation
    for directory in ("/etc", "/etc/eucalyptus", "/var"):
        machine.files.mkdir(directory)
    machine.files.write("/etc/eucalyptus/eucalyptus.conf", CONFIGURATION)
    machine.files.sync()
    simulation.state.hosts["walrus00"].services["eucalyptus-cloud"] = Service(starts_at_boot=starts)
    machine.power_off()
    machine.power_on()
    simulation.advance(1.0)
    listed = machine.execute(Call(("sh", "-c", 'exec grep -a -s -H "" /proc/[0-9]*/cmdline'))).stdout
    assert (b"eucalyptus-cloud" in listed) is starts
    assert not simulation.state.unsupported


# The fence


def test_epochs_only_rise_and_belong_to_one_run(machine: SimulatedMachine) -> None:
    assert machine.holder() == ("-", 0)
    machine.claim("run-a", 3)
    assert machine.holder() == ("run-a", 3)
    with pytest.raises(HeldByOther):
        machine.claim("run-b", 9)
    for stale in (2, 3):
        with pytest.raises(StaleEpoch):
            machine.claim("run-a", stale)
    machine.claim("run-a", 4)
    machine.check("run-a", 4)
    for run, epoch in (("run-a", 3), ("run-b", 4), ("run-a", 5)):
        with pytest.raises(StaleEpoch):
            machine.check(run, epoch)
    machine.power_off()
    machine.power_on()
    assert machine.holder() == ("run-a", 4), "on stable storage"
    for change in (machine.check, machine.release):
        with pytest.raises(OtherLife):
            change("run-a", 4)
    machine.claim("run-a", 5)
    with pytest.raises(StaleEpoch):
        machine.release("run-a", 4)
    machine.release("run-a", 5)
    assert machine.holder() == ("-", 5)
    with pytest.raises(StaleEpoch):
        machine.claim("run-b", 5)
    machine.claim("run-b", 6)
