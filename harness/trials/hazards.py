"""Hazards that a lab plants before the move: how the hosts differ from a healthy pair. One field, one hazard."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from harness.yamlmodel import Bytes, Strict

Role = Literal["original", "additional", "clc"]
WalrusRole = Literal["original", "additional"]
Program = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=64)]
OneLine = Annotated[str, Field(pattern=r"^[ -~]+$", max_length=200)]
Signature = Literal["ext2", "ext3", "ext4", "xfs", "swap", "LVM2_member", "drbd", "nameless"]


class FstabLine(Strict):
    """One more line at the end of a host's /etc/fstab."""

    host: WalrusRole
    line: OneLine


class ListeningPort(Strict):
    """Another program of the host listens on this TCP port."""

    host: WalrusRole
    port: Annotated[int, Field(ge=1, le=65535)]


class PlantedFile(Strict):
    """One configuration file of a host, of one line."""

    host: WalrusRole
    path: Annotated[str, Field(pattern=r"^/etc/[A-Za-z0-9._/-]+$", max_length=100)]
    line: OneLine


class MissingProgram(Strict):
    """This program is not installed on the host."""

    host: Role
    program: Program


OddOpenssl = Literal["absent", "old", "wrong"]


class OtherMount(Strict):
    """A DRBD device of another resource, mounted on a directory of its own."""

    host: WalrusRole
    device: Annotated[str, Field(pattern=r"^/dev/drbd[0-9]{1,4}$")]
    at: Annotated[str, Field(pattern=r"^(/[A-Za-z0-9._-]+)+$", max_length=200)]


class Differs(Strict):
    """How the hosts differ from a healthy pair."""

    store_is_symlink: Annotated[
        Literal[True] | None,
        Field(description="On the original the store is a symbolic link to the directory that holds the objects."),
    ] = None
    uid_differs: Annotated[
        Literal[True] | None,
        Field(description="The user eucalyptus has uid and gid 499 on the additional host, not 498."),
    ] = None
    additional_device_bytes: Annotated[
        Bytes | None, Field(description="Size of the additional host's backing disk, where it is not device_bytes.")
    ] = None
    device_signature: Annotated[
        dict[WalrusRole, Signature] | None,
        Field(min_length=1, description="What already lies on the backing disk, by host."),
    ] = None
    fstab_line: Annotated[FstabLine | None, Field(description="A line in /etc/fstab that was there before.")] = None
    uname: Annotated[
        dict[Role, Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]*$", max_length=64)]] | None,
        Field(min_length=1, description="What uname -n prints, by host, where the inventory says something else."),
    ] = None
    os_release: Annotated[
        dict[WalrusRole, OneLine] | None,
        Field(min_length=1, description="The line in /etc/redhat-release, by host."),
    ] = None
    drbd_port_blocked: Annotated[
        Literal[True] | WalrusRole | None,
        Field(
            description="Packets between the pair to the DRBD port are dropped, or only what this host answers from "
            "it; all others pass."
        ),
    ] = None
    key_sync_fails: Annotated[
        Literal[True] | None,
        Field(description="Registering the additional Walrus exits 0 although copying its keys failed."),
    ] = None
    listening_port: Annotated[ListeningPort | None, Field(description="A program that occupies a TCP port.")] = None
    eucalyptus_version: Annotated[
        dict[WalrusRole, Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)*$", max_length=20)]] | None,
        Field(min_length=1, description="The content of /etc/eucalyptus/eucalyptus-version, by host."),
    ] = None
    storagedir: Annotated[
        str | None,
        Field(pattern=r"^//?[A-Za-z0-9._/-]+$", description="The value of the cloud property walrus.storagedir."),
    ] = None
    file: Annotated[
        PlantedFile | None, Field(description="A configuration file of a host that is not as on the other one.")
    ] = None
    drbd_version: Annotated[
        dict[WalrusRole, Literal["8.3", "8.4"]] | None,
        Field(min_length=1, description="The DRBD of a host, where it is not the one that start.drbd says."),
    ] = None
    missing_program: Annotated[MissingProgram | None, Field(description="A program that a host lacks.")] = None
    openssl: Annotated[
        dict[WalrusRole, OddOpenssl] | None,
        Field(
            min_length=1,
            description="The openssl of a host: there is none, it is too old to print hashes as sha256sum does, or it "
            "prints wrong ones.",
        ),
    ] = None
    missing_init_script: Annotated[
        WalrusRole | None, Field(description="The host on which DRBD's init script is not installed.")
    ] = None
    other_drbd_mount: Annotated[
        OtherMount | None, Field(description="Another DRBD device, mounted on a host all along.")
    ] = None
    next_enabled: Annotated[
        Literal["walrus00", "walrus01"] | None,
        Field(description="Which Walrus wins the next election of the cloud controller."),
    ] = None
