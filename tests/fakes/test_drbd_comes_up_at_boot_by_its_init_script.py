"""DRBD that starts at boot brings its resources up and waits for the peer before anything that comes after it."""

from __future__ import annotations

import pytest

from fakes.simulated import SimulatedMachine
from fakes.world import Service
from tests.fakes.pair import Pair


@pytest.fixture
def up() -> Pair:
    made = Pair().synchronised()
    made.ok(made.one, "drbdadm secondary r0")
    for machine in (made.one, made.other):
        made.row(machine).services["drbd"] = Service()
        machine.files.sync()
    return made


def _reboot(*machines: SimulatedMachine) -> None:
    for machine in machines:
        machine.power_off()
    for machine in machines:
        machine.power_on()


def test_both_come_back_connected_and_secondary(up: Pair) -> None:
    _reboot(up.one, up.other)
    up.world.advance(5.0)
    assert {up.cstate(machine) for machine in (up.one, up.other)} == {"Connected"}
    assert up.ok(up.one, "drbdadm role r0") == "Secondary/Secondary\n"


def test_without_a_link_of_its_run_levels_nothing_comes_up(up: Pair) -> None:
    up.ok(up.one, "chkconfig drbd off")
    _reboot(up.one)
    up.world.advance(5.0)
    assert "drbd" not in up.row(up.one).modules


def test_what_comes_after_it_waits_for_the_peer(up: Pair) -> None:
    up.other.power_off()
    for directory in ("/etc/eucalyptus", "/var"):
        up.one.files.mkdir(directory)
    up.one.files.write("/etc/eucalyptus/eucalyptus.conf", b'CLOUD_OPTS=""\n')
    up.one.files.sync()
    up.row(up.one).services["eucalyptus-cloud"] = Service()
    _reboot(up.one)
    up.world.advance(3600.0)
    services = up.row(up.one).services
    assert up.cstate(up.one) == "WFConnection"
    assert not services["eucalyptus-cloud"].running
    up.other.power_on()
    up.world.advance(5.0)
    assert services["eucalyptus-cloud"].running


def test_status_and_stop_go_by_the_module(up: Pair) -> None:
    up.ok(up.one, "service drbd status")
    up.ok(up.one, "service drbd stop")
    assert up.run(up.one, "service drbd status").exit_status == 3
