"""eucalyptus-cloud's init script says "done." a great deal, and goes by its pid file alone."""

from __future__ import annotations

import pytest

from fakes.program import Call, UnsupportedInvocation
from fakes.programs.services import service
from tests.fakes.clouds import CONFIGURATION, SimulatedCloud, simulated_cloud

PID_FILE = "/var/run/eucalyptus/eucalyptus-cloud.pid"


@pytest.fixture
def cloud() -> SimulatedCloud:
    return simulated_cloud()


def test_status_of_a_running_service_says_so(cloud: SimulatedCloud) -> None:
    cloud.run(cloud.original, "service", "eucalyptus-cloud", "start")
    reply = cloud.run(cloud.original, "service", "eucalyptus-cloud", "status")
    assert (reply.exit_status, reply.stdout) == (0, b"Eucalyptus services are running\n")


def test_status_of_a_stopped_service_is_silent(cloud: SimulatedCloud) -> None:
    reply = cloud.run(cloud.original, "service", "eucalyptus-cloud", "status")
    assert (reply.exit_status, reply.stdout, reply.stderr) == (3, b"", b"")


def test_without_its_pid_file_a_running_service_counts_as_stopped(cloud: SimulatedCloud) -> None:
    cloud.run(cloud.original, "service", "eucalyptus-cloud", "start")
    cloud.original.files.unlink(PID_FILE)
    assert cloud.run(cloud.original, "service", "eucalyptus-cloud", "status").exit_status == 3
    assert cloud.original.alive(cloud.world.hosts["walrus00"].services["eucalyptus-cloud"].pid)


def test_start_says_done_and_starts_a_process(cloud: SimulatedCloud) -> None:
    reply = cloud.run(cloud.original, "service", "eucalyptus-cloud", "start")
    assert (reply.exit_status, reply.stdout) == (0, b"Starting Eucalyptus services: done.\n")
    entry = cloud.world.hosts["walrus00"].services["eucalyptus-cloud"]
    assert entry.running
    assert cloud.original.alive(entry.pid)
    assert cloud.original.files.read(PID_FILE) == f"{entry.pid}\n".encode()


def test_start_says_done_even_if_the_launch_fails(cloud: SimulatedCloud) -> None:
    cloud.original.files.write(CONFIGURATION, b'CLOUD_OPTS="--log-level=INFO\n')
    reply = cloud.run(cloud.original, "service", "eucalyptus-cloud", "start")
    assert (reply.exit_status, reply.stdout) == (0, b"Starting Eucalyptus services: done.\n")
    assert cloud.run(cloud.original, "service", "eucalyptus-cloud", "status").exit_status == 3


def test_start_of_a_running_service_is_no_error(cloud: SimulatedCloud) -> None:
    cloud.run(cloud.original, "service", "eucalyptus-cloud", "start")
    before = cloud.world.hosts["walrus00"].services["eucalyptus-cloud"].pid
    reply = cloud.run(cloud.original, "service", "eucalyptus-cloud", "start")
    assert reply.exit_status == 0
    assert reply.stdout == b"Starting Eucalyptus services: \nEucalyptus services are already running!\n"
    assert cloud.world.hosts["walrus00"].services["eucalyptus-cloud"].pid == before


def test_start_without_configuration_is_refused(cloud: SimulatedCloud) -> None:
    cloud.original.files.unlink(CONFIGURATION)
    reply = cloud.run(cloud.original, "service", "eucalyptus-cloud", "start")
    assert (reply.exit_status, reply.stdout) == (1, b"Cannot find eucalyptus configuration file!\n")


def test_stop_ends_the_process_and_removes_the_pid_file(cloud: SimulatedCloud) -> None:
    cloud.run(cloud.original, "service", "eucalyptus-cloud", "start")
    pid = cloud.world.hosts["walrus00"].services["eucalyptus-cloud"].pid
    reply = cloud.run(cloud.original, "service", "eucalyptus-cloud", "stop")
    assert (reply.exit_status, reply.stdout) == (0, b"Stopping Eucalyptus services: done.\n")
    assert not cloud.original.alive(pid)
    assert not cloud.original.files.exists(PID_FILE)
    assert not cloud.world.hosts["walrus00"].services["eucalyptus-cloud"].running


def test_stop_when_nothing_runs_exits_zero_with_its_text(cloud: SimulatedCloud) -> None:
    reply = cloud.run(cloud.original, "service", "eucalyptus-cloud", "stop")
    assert reply.exit_status == 0
    assert reply.stdout == b"Stopping Eucalyptus services: \nNo Eucalyptus services are running!\n"


def test_only_root_may_ask(cloud: SimulatedCloud) -> None:
    reply = cloud.original.execute(Call(("service", "eucalyptus-cloud", "stop"), user="eucalyptus"))
    assert (reply.exit_status, reply.stdout) == (1, b"Eucalyptus init scripts must be run as root.\n")


@pytest.mark.parametrize("argv", [("ntpd", "start"), ("eucalyptus-cloud", "reload"), ("eucalyptus-cloud",)])
def test_other_services_and_verbs_are_not_modelled(cloud: SimulatedCloud, argv: tuple[str, ...]) -> None:
    with pytest.raises(UnsupportedInvocation):
        service(Call(("service", *argv)), cloud.original)


def test_chkconfig_lists_the_levels_that_start_it(cloud: SimulatedCloud) -> None:
    reply = cloud.run(cloud.original, "chkconfig", "--list", "eucalyptus-cloud")
    assert reply.stdout == b"eucalyptus-cloud\t0:off\t1:off\t2:on\t3:on\t4:on\t5:on\t6:off\n"


def test_chkconfig_off_and_on_change_what_boots(cloud: SimulatedCloud) -> None:
    cloud.run(cloud.original, "chkconfig", "eucalyptus-cloud", "off")
    listed = cloud.run(cloud.original, "chkconfig", "--list", "eucalyptus-cloud").stdout
    assert listed == b"eucalyptus-cloud\t0:off\t1:off\t2:off\t3:off\t4:off\t5:off\t6:off\n"
    cloud.original.power_off()
    cloud.original.power_on()
    cloud.ticks(1)
    assert not cloud.world.hosts["walrus00"].services["eucalyptus-cloud"].running
    cloud.run(cloud.original, "chkconfig", "eucalyptus-cloud", "on")
    cloud.original.power_off()
    cloud.original.power_on()
    cloud.ticks(1)
    assert cloud.world.hosts["walrus00"].services["eucalyptus-cloud"].running


def test_chkconfig_of_an_unknown_service_fails(cloud: SimulatedCloud) -> None:
    reply = cloud.run(cloud.original, "chkconfig", "--list", "nonesuch")
    assert reply.exit_status == 1
    assert reply.stderr == b"error reading information on service nonesuch: No such file or directory\n"


def test_restart_ends_the_process_and_starts_another_one(cloud: SimulatedCloud) -> None:
    stopped = cloud.run(cloud.original, "service", "eucalyptus-cloud", "restart")
    assert (stopped.exit_status, stopped.stdout) == (0, b"Restarting Eucalyptus services: done.\n")
    before = cloud.world.hosts["walrus00"].services["eucalyptus-cloud"].pid
    assert cloud.run(cloud.original, "service", "eucalyptus-cloud", "restart").exit_status == 0
    entry = cloud.world.hosts["walrus00"].services["eucalyptus-cloud"]
    assert entry.running
    assert entry.pid != before
    assert not cloud.original.alive(before)
