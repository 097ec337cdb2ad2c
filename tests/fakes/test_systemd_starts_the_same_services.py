"""systemctl says what the real one says, and does what ``service`` and ``chkconfig`` do."""

from __future__ import annotations

import pytest

from fakes.program import Call, UnsupportedInvocation
from fakes.programs.systemd import systemctl
from tests.fakes.clouds import SimulatedCloud, simulated_cloud

UNIT = "eucalyptus-cloud.service"


@pytest.fixture
def cloud() -> SimulatedCloud:
    return simulated_cloud()


@pytest.mark.parametrize(
    ("verb", "unit", "exit_status", "stdout", "stderr"),
    [
        ("is-enabled", UNIT, 0, "enabled\n", ""),
        (
            *("is-enabled", "bar.service", 1, ""),
            "Failed to get unit file state for bar.service: No such file or directory\n",
        ),
        ("enable", UNIT, 0, "", ""),
        ("disable", UNIT, 0, "", f'Removed "/etc/systemd/system/multi-user.target.wants/{UNIT}".\n'),
        ("enable", "bar.service", 1, "", "Failed to enable unit, unit bar.service does not exist.\n"),
        ("disable", "bar.service", 0, "", "Failed to disable unit, unit bar.service does not exist.\n"),
    ],
)
def test_it_prints_what_systemctl_252_printed(
    cloud: SimulatedCloud, verb: str, unit: str, exit_status: int, stdout: str, stderr: str
) -> None:
    reply = cloud.run(cloud.original, "systemctl", verb, unit)
    assert (reply.exit_status, reply.stdout.decode(), reply.stderr.decode()) == (exit_status, stdout, stderr)


def test_a_disabled_unit_is_started_by_no_boot(cloud: SimulatedCloud) -> None:
    cloud.run(cloud.original, "systemctl", "disable", UNIT)
    asked = cloud.run(cloud.original, "systemctl", "is-enabled", UNIT)
    assert (asked.exit_status, asked.stdout) == (1, b"disabled\n")
    cloud.original.power_off()
    cloud.original.power_on()
    cloud.ticks(1)
    assert not cloud.world.hosts["walrus00"].services["eucalyptus-cloud"].running


def test_start_and_stop_run_what_the_init_script_runs_and_say_nothing(cloud: SimulatedCloud) -> None:
    for verb, running in (("start", True), ("stop", False)):
        reply = cloud.run(cloud.original, "systemctl", verb, UNIT)
        assert (reply.exit_status, reply.stdout, reply.stderr) == (0, b"", b"")
        assert cloud.world.hosts["walrus00"].services["eucalyptus-cloud"].running is running


@pytest.mark.parametrize("argv", [("status", UNIT), ("enable", "--now", UNIT), ("is-enabled", "eucalyptus-cloud")])
def test_other_calls_are_not_modelled(cloud: SimulatedCloud, argv: tuple[str, ...]) -> None:
    with pytest.raises(UnsupportedInvocation):
        systemctl(Call(("systemctl", *argv)), cloud.original)
