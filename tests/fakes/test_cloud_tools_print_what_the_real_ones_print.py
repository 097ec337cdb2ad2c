"""Formats, statuses and silences of Eucalyptus 3.2's own tools."""

from __future__ import annotations

import pytest

from fakes.program import Call, UnsupportedInvocation
from fakes.programs.cloud import describe_services, euca_conf
from tests.fakes.clouds import KEY, SimulatedCloud, serving_cloud


@pytest.fixture
def cloud() -> SimulatedCloud:
    return serving_cloud()


# Services


def test_describe_services_pads_its_columns(cloud: SimulatedCloud) -> None:
    reply = cloud.run(cloud.clc, "euca-describe-services")
    assert reply.stdout.decode() == (
        "SERVICE\twalrus         \twalrus         \twalrus-original\tENABLED   \t2   \t"
        "http://10.0.0.10:8773/services/Walrus   \tarn:euca:bootstrap:walrus:walrus:walrus-original/\n"
    )


def test_describe_services_with_events_tells_the_fault(cloud: SimulatedCloud) -> None:
    found = cloud.world.cloud.walruses["walrus-original"]
    found.message = "Resource connected but not up to date!"
    lines = cloud.run(cloud.clc, "euca-describe-services", "-E").stdout.decode().splitlines()
    assert [line.split("\t")[0] for line in lines] == ["SERVICE", *["SERVICEEVENT"] * 4, ""]
    assert lines[1].endswith("\tarn:euca:bootstrap:walrus:walrus:walrus-original/")
    assert lines[4].endswith("\tResource connected but not up to date!")


def test_list_walruses_pads_the_address_to_25(cloud: SimulatedCloud) -> None:
    reply = cloud.run(cloud.clc, "euca_conf", "--list-walruses")
    assert reply.stdout.decode() == f"WALRUS\twalrus         \twalrus-original\t{'10.0.0.10':<25}\tENABLED\t{{}}\n"


def test_tools_away_from_the_cloud_controller_are_not_modelled(cloud: SimulatedCloud) -> None:
    with pytest.raises(UnsupportedInvocation):
        describe_services(Call(("euca-describe-services",)), cloud.original)


def test_tools_fail_while_the_cloud_controller_is_down(cloud: SimulatedCloud) -> None:
    cloud.run(cloud.clc, "service", "eucalyptus-cloud", "stop")
    for argv in (
        ("euca-describe-services",),
        ("euca-describe-properties",),
        ("euca_conf", "--list-walruses"),
        ("euca-modify-property", "-p", "walrus.resource=r0"),
        ("euca_conf", "--deregister-walrus", "--partition", "walrus", "--host", "10.0.0.10", "--component", "x"),
    ):
        assert cloud.run(cloud.clc, *argv).exit_status == 1, argv


# Registration


def test_register_prints_the_service_and_copies_the_keys(cloud: SimulatedCloud) -> None:
    reply = cloud.register(cloud.additional, "walrus-additional")
    assert (reply.exit_status, reply.stderr) == (0, b"")
    assert reply.stdout.startswith(b"SERVICE\twalrus         \twalrus         \twalrus-additional\tLOADED    \t")
    assert cloud.additional.files.read(KEY) == b"the cloud's keys"
    assert cloud.additional.files.stat(KEY).mode == 0o600


def test_register_in_a_new_partition_says_so(cloud: SimulatedCloud) -> None:
    options = ("--partition", "other", "--host", "10.0.0.11", "--component", "second")
    reply = cloud.run(cloud.clc, "euca_conf", "--register-walrus", *options)
    assert reply.stderr == b"Created new partition 'other'\n"


def test_register_with_a_bare_host_makes_up_the_name(cloud: SimulatedCloud) -> None:
    assert cloud.run(cloud.clc, "euca_conf", "--register-walrus", "10.0.0.11").exit_status == 0
    added = cloud.world.cloud.walruses["walrus-10.0.0.11"]
    assert (added.partition, added.host) == ("walrus", "10.0.0.11")


def test_register_with_a_failing_key_sync_exits_zero(cloud: SimulatedCloud) -> None:
    cloud.world.cloud.key_sync_fails = True
    reply = cloud.register(cloud.additional, "walrus-additional")
    assert reply.exit_status == 0
    assert b"error: key sync using rsync failed: " in reply.stderr
    assert b"error: key sync using scp failed: " in reply.stderr
    assert "walrus-additional" in cloud.world.cloud.walruses
    cloud.ticks(2)
    assert not cloud.additional.files.exists(KEY)


@pytest.mark.parametrize("how", ["frozen", "cut off", "without power"])
def test_register_of_an_unreachable_host_fails_its_key_sync(cloud: SimulatedCloud, how: str) -> None:
    if how == "frozen":
        cloud.additional.freeze()
    elif how == "without power":
        cloud.additional.power_off()
    else:
        cloud.world.cut_links.append(["clc00", "walrus01"])
    reply = cloud.register(cloud.additional, "walrus-additional")
    assert (reply.exit_status, b"key sync using scp failed" in reply.stderr) == (0, True)


def test_register_without_a_key_file_warns(cloud: SimulatedCloud) -> None:
    cloud.clc.files.unlink(KEY)
    reply = cloud.register(cloud.additional, "walrus-additional")
    assert (reply.exit_status, reply.stderr.startswith(b"warning: unable to sync file ")) == (0, True)


@pytest.mark.parametrize(
    ("host", "name", "message"),
    [
        ("10.0.0.11", "walrus-original", "Component with name=walrus-original already exists with host=10.0.0.10"),
        ("10.0.0.10", "second", "Component with host=10.0.0.10 already exists with name=walrus-original"),
        ("10.0.0.10", "walrus-original", "registration failed"),
    ],
)
def test_register_refuses_what_is_registered(cloud: SimulatedCloud, host: str, name: str, message: str) -> None:
    options = ("--partition", "walrus", "--host", host, "--component", name)
    reply = cloud.run(cloud.clc, "euca_conf", "--register-walrus", *options)
    assert (reply.exit_status, reply.stdout.decode()) == (1, f"error: {message}\n")
    assert list(cloud.world.cloud.walruses) == ["walrus-original"]


def test_a_third_walrus_is_refused(cloud: SimulatedCloud) -> None:
    cloud.register(cloud.additional, "walrus-additional")
    options = ("--partition", "walrus", "--host", "10.0.0.2", "--component", "third")
    reply = cloud.run(cloud.clc, "euca_conf", "--register-walrus", *options)
    assert reply.exit_status == 1
    assert b"Unable to register more than two services in a partition" in reply.stdout


def test_register_without_a_component_is_not_modelled(cloud: SimulatedCloud) -> None:
    with pytest.raises(UnsupportedInvocation):
        euca_conf(Call(("euca_conf", "--register-walrus", "--partition", "walrus", "--host", "10.0.0.11")), cloud.clc)


def test_deregister_forgets_the_walrus(cloud: SimulatedCloud) -> None:
    cloud.register(cloud.additional, "walrus-additional")
    options = ("--partition", "walrus", "--host", "10.0.0.11", "--component", "walrus-additional")
    assert cloud.run(cloud.clc, "euca_conf", "--deregister-walrus", *options).exit_status == 0
    assert list(cloud.world.cloud.walruses) == ["walrus-original"]
    assert cloud.run(cloud.clc, "euca_conf", "--deregister-walrus", *options).exit_status == 1


# Properties


def test_properties_of_drbd_are_unset_before_their_row_exists(cloud: SimulatedCloud) -> None:
    listed = cloud.run(cloud.clc, "euca-describe-properties").stdout.decode().splitlines()
    assert "PROPERTY\twalrus.blockdevice\t<unset>" in listed
    assert "PROPERTY\twalrus.resource\t<unset>" in listed
    assert "PROPERTY\twalrus.storagedir\t//var/lib/eucalyptus/bukkits" in listed


def test_setting_a_property_without_its_row_changes_nothing_and_says_so_quietly(cloud: SimulatedCloud) -> None:
    reply = cloud.run(cloud.clc, "euca-modify-property", "-p", "walrus.blockdevice=/dev/drbd1")
    assert (reply.exit_status, reply.stdout) == (0, b"PROPERTY\twalrus.blockdevice\t<unset> was <unset>\n")
    assert cloud.world.cloud.properties == {}


def test_setting_a_property_prints_new_and_old(cloud: SimulatedCloud) -> None:
    cloud.world.cloud.drbd_row = True
    device = cloud.run(cloud.clc, "euca-modify-property", "-p", "walrus.blockdevice=/dev/drbd1")
    assert device.stdout == b"PROPERTY\twalrus.blockdevice\t/dev/drbd1 was /dev/unknown\n"
    resource = cloud.run(cloud.clc, "euca-modify-property", "-p", "walrus.resource=r0")
    assert resource.stdout == b"PROPERTY\twalrus.resource\tr0 was <unset>\n"
    listed = cloud.run(cloud.clc, "euca-describe-properties").stdout.decode().splitlines()
    assert "PROPERTY\twalrus.blockdevice\t/dev/drbd1" in listed
    assert "PROPERTY\twalrus.resource\tr0" in listed


def test_a_wrong_property_name_fails(cloud: SimulatedCloud) -> None:
    reply = cloud.run(cloud.clc, "euca-modify-property", "-p", "walrus.resourcename=r0")
    assert reply.exit_status == 1
    assert reply.stdout.endswith(b"Failed to set property: No such property: walrus.resourcename\n")


def test_an_assignment_without_a_value_fails(cloud: SimulatedCloud) -> None:
    reply = cloud.run(cloud.clc, "euca-modify-property", "-p", "walrus.resource")
    assert (reply.exit_status, reply.stdout) == (1, b"Options must be of the form KEY=VALUE: walrus.resource\n")
