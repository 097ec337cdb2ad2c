"""Which Walrus is ENABLED, and what it serves, as long as DRBD has no part in it."""

from __future__ import annotations

from itertools import pairwise

import pytest

from fakes.programs import walrus
from tests.fakes.clouds import STORE, TICK_S, SimulatedCloud, configure, serving_cloud

OBJECT = "/services/Walrus/bucket/object"


@pytest.fixture
def cloud() -> SimulatedCloud:
    found = serving_cloud()
    found.original.files.mkdir(f"{STORE}/bucket")
    found.original.files.write(f"{STORE}/bucket/object", b"bytes")
    return found


@pytest.fixture
def pair(cloud: SimulatedCloud) -> SimulatedCloud:
    cloud.register(cloud.additional, "walrus-additional")
    cloud.ticks(4)
    return cloud


def test_a_walrus_comes_up_in_four_states(cloud: SimulatedCloud) -> None:
    assert cloud.history(cloud.original) == ["LOADED", "NOTREADY", "DISABLED", "ENABLED"]


def test_while_both_run_exactly_one_is_enabled_and_one_disabled(pair: SimulatedCloud) -> None:
    assert pair.states() == {"walrus00": "ENABLED", "walrus01": "DISABLED"}
    pair.ticks(20)
    assert pair.states() == {"walrus00": "ENABLED", "walrus01": "DISABLED"}


def test_stopping_the_original_first_promotes_the_newcomer_with_its_empty_store(pair: SimulatedCloud) -> None:
    pair.run(pair.original, "service", "eucalyptus-cloud", "stop")
    pair.ticks(1)
    assert pair.states() == {"walrus00": "STOPPED", "walrus01": "ENABLED"}
    assert pair.additional.files.listdir(STORE) == []
    assert walrus.serve(pair.additional, OBJECT) == (404, b"")


def test_a_walrus_that_comes_back_does_not_take_over(pair: SimulatedCloud) -> None:
    pair.run(pair.original, "service", "eucalyptus-cloud", "stop")
    pair.ticks(2)
    pair.run(pair.original, "service", "eucalyptus-cloud", "start")
    pair.ticks(6)
    assert pair.states() == {"walrus00": "DISABLED", "walrus01": "ENABLED"}


def test_the_election_goes_to_the_first_by_name(pair: SimulatedCloud) -> None:
    for machine in (pair.additional, pair.original):
        pair.run(machine, "service", "eucalyptus-cloud", "stop")
    for machine in (pair.original, pair.additional):
        pair.run(machine, "service", "eucalyptus-cloud", "start")
        pair.world.cloud.walruses["walrus-original"].state = "LOADED"
    pair.ticks(5)
    assert pair.states() == {"walrus00": "DISABLED", "walrus01": "ENABLED"}  # walrus-additional < walrus-original


@pytest.mark.parametrize("named", ["walrus01", "walrus-additional"])
def test_the_world_may_name_who_wins_the_next_election(pair: SimulatedCloud, named: str) -> None:
    for machine in (pair.additional, pair.original):
        pair.run(machine, "service", "eucalyptus-cloud", "stop")
    pair.world.cloud.next_enabled = named
    pair.run(pair.original, "service", "eucalyptus-cloud", "start")
    pair.ticks(1)
    pair.run(pair.additional, "service", "eucalyptus-cloud", "start")
    pair.ticks(6)
    assert pair.states() == {"walrus00": "DISABLED", "walrus01": "ENABLED"}
    assert pair.world.cloud.next_enabled == ""


def test_a_named_walrus_that_does_not_run_is_not_waited_for(pair: SimulatedCloud) -> None:
    for machine in (pair.additional, pair.original):
        pair.run(machine, "service", "eucalyptus-cloud", "stop")
    pair.world.cloud.next_enabled = "walrus01"
    pair.run(pair.original, "service", "eucalyptus-cloud", "start")
    pair.ticks(5)
    assert pair.states() == {"walrus00": "ENABLED", "walrus01": "STOPPED"}


def test_a_named_walrus_that_failed_its_check_is_not_waited_for(pair: SimulatedCloud) -> None:
    for machine in (pair.additional, pair.original):
        pair.run(machine, "service", "eucalyptus-cloud", "stop")
    configure(pair.additional, "-Dwalrus.storage.manager=Mistyped")
    pair.world.cloud.next_enabled = "walrus01"
    for machine in (pair.additional, pair.original):
        pair.run(machine, "service", "eucalyptus-cloud", "start")
    pair.ticks(5)
    assert pair.states() == {"walrus00": "ENABLED", "walrus01": "NOTREADY"}


def test_a_walrus_without_power_is_replaced(pair: SimulatedCloud) -> None:
    pair.original.power_off()
    pair.ticks(2)
    assert pair.states() == {"walrus00": "NOTREADY", "walrus01": "ENABLED"}


def test_a_walrus_that_was_killed_is_given_up_after_its_silence(pair: SimulatedCloud) -> None:
    pair.original.kill(pair.world.hosts["walrus00"].services["eucalyptus-cloud"].pid)
    pair.ticks(1)
    assert pair.states()["walrus00"] == "ENABLED"
    pair.ticks(5)
    assert pair.states() == {"walrus00": "NOTREADY", "walrus01": "ENABLED"}


def test_a_walrus_that_was_killed_begins_anew_when_it_is_started(cloud: SimulatedCloud) -> None:
    cloud.original.kill(cloud.world.hosts["walrus00"].services["eucalyptus-cloud"].pid)
    cloud.run(cloud.original, "service", "eucalyptus-cloud", "start")
    cloud.ticks(4)
    assert cloud.history(cloud.original)[4:] == ["LOADED", "NOTREADY", "DISABLED", "ENABLED"]


def test_nothing_changes_while_the_cloud_controller_is_down(pair: SimulatedCloud) -> None:
    pair.clc.power_off()
    pair.original.power_off()
    pair.ticks(5)
    assert pair.states() == {"walrus00": "ENABLED", "walrus01": "DISABLED"}


def test_the_manager_is_chosen_when_the_process_starts(cloud: SimulatedCloud) -> None:
    configure(cloud.original, "-Dwalrus.storage.manager=DRBDStorageManager")
    cloud.ticks(5)
    assert cloud.world.cloud.walruses["walrus-original"].manager == "FileSystemStorageManager"
    assert not cloud.world.cloud.drbd_row


def test_without_the_manager_in_its_options_walrus_is_enabled_on_the_bare_directory(cloud: SimulatedCloud) -> None:
    cloud.world.cloud.properties = {"walrus.blockdevice": "/dev/drbd1", "walrus.resource": "r0"}
    cloud.run(cloud.original, "service", "eucalyptus-cloud", "stop")
    cloud.run(cloud.original, "service", "eucalyptus-cloud", "start")
    cloud.ticks(4)
    assert cloud.states() == {"walrus00": "ENABLED"}
    assert walrus.serve(cloud.original, OBJECT) == (200, b"bytes")


def test_a_mistyped_manager_leaves_a_null_pointer(cloud: SimulatedCloud) -> None:
    configure(cloud.original, "-Dwalrus.storage.manager=DrbdStorageManager")
    cloud.run(cloud.original, "service", "eucalyptus-cloud", "stop")
    cloud.run(cloud.original, "service", "eucalyptus-cloud", "start")
    cloud.ticks(4)
    found = cloud.world.cloud.walruses["walrus-original"]
    assert (found.state, found.message) == ("NOTREADY", "java.lang.NullPointerException")


def test_a_store_that_eucalyptus_cannot_write_keeps_walrus_from_starting(cloud: SimulatedCloud) -> None:
    cloud.run(cloud.original, "service", "eucalyptus-cloud", "stop")
    cloud.original.files.chown(STORE, 0, 0)
    cloud.run(cloud.original, "service", "eucalyptus-cloud", "start")
    cloud.ticks(4)
    found = cloud.world.cloud.walruses["walrus-original"]
    assert (found.state, found.message) == ("LOADED", "Invalid bucket root directory")
    cloud.original.files.chown(STORE, 498, 498)
    cloud.ticks(4)
    assert cloud.states() == {"walrus00": "ENABLED"}


def test_a_missing_store_is_made(cloud: SimulatedCloud) -> None:
    cloud.run(cloud.original, "service", "eucalyptus-cloud", "stop")
    cloud.original.files.rename(STORE, f"{STORE}.aside")
    cloud.run(cloud.original, "service", "eucalyptus-cloud", "start")
    cloud.ticks(2)
    made = cloud.original.files.stat(STORE)
    assert (made.kind, made.mode, made.uid, made.gid) == ("directory", 0o700, 498, 498)


# Objects


def test_objects_are_served_while_enabled(pair: SimulatedCloud) -> None:
    assert walrus.serve(pair.original, OBJECT) == (200, b"bytes")
    assert walrus.serve(pair.additional, OBJECT) == (503, b"")


def test_names_are_percent_encoded_bytes(cloud: SimulatedCloud) -> None:
    cloud.original.files.write(f"{STORE}/bucket/a b\udcff\n'", b"odd")
    assert walrus.serve(cloud.original, "/services/Walrus/bucket/a%20b%ff%0A%27") == (200, b"odd")


@pytest.mark.parametrize(
    "target",
    ["/", "/services/Walrus/bucket", "/services/Walrus/bucket/", "/services/Walrus/bucket/none", "/other/bucket/object",
     "/services/Walrus/bucket/..%2Fbucket/object", "/services/Walrus/../bukkits/bucket/object",
     "/services/Walrus/bucket/object%00"],
)  # fmt: skip
def test_what_is_no_object_is_not_found(cloud: SimulatedCloud, target: str) -> None:
    assert walrus.serve(cloud.original, target) == (404, b"")


def test_a_store_behind_a_symbolic_link_is_served(cloud: SimulatedCloud) -> None:
    cloud.original.files.rename(STORE, "/var/lib/elsewhere")
    cloud.original.files.symlink("/var/lib/elsewhere", STORE)
    assert walrus.serve(cloud.original, OBJECT) == (200, b"bytes")


def test_time_between_states_is_the_clouds_tick(cloud: SimulatedCloud) -> None:
    times = [found.at for found in cloud.world.events if found.kind == "walrus" and found.host == "walrus00"]
    assert [round(later - earlier) for earlier, later in pairwise(times[1:])] == [TICK_S, TICK_S]
