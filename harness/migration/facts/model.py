"""What stands in a facts file. Hosts go by their role: no name and no address of one is told, and none of an object.

``python -m harness.migration.facts.model`` prints the JSON Schema of the files.
"""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import Field

from harness.inventory import Settings
from harness.layout import Layout
from harness.yamlmodel import Strict

KIND = "facts of a Walrus site"
FORMAT = 1
RoleName = Literal["original", "additional", "clc"]
Word = Annotated[str, Field(pattern=r"^[ -~]*$", max_length=200)]
Number = Annotated[int, Field(ge=0, le=2**60)]
Positive = Annotated[float, Field(gt=0, le=1e15)]
FindingId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$", max_length=64)]
Where = Literal["store", "in the store", "above the store", "staging", "elsewhere"]
KindOfDevice = Literal["the move's device", "the backing device", "label", "uuid", "path", "other"]
KindOfFile = Literal["file", "directory", "symlink", "block device", "other", "absent"]


class Ids(Strict):
    """Of the user eucalyptus."""

    uid: Number
    gid: Number


class DeviceFacts(Strict):
    """A backing device."""

    block_device: bool
    bytes: Number | None = None
    signature: Word | None = None  # what lies on it; None: nothing
    used_by: Number = 0  # layers and mounts on top of it
    swap: bool = False


class PlaceFacts(Strict):
    """A directory of the move and the file system that holds it, or would."""

    kind: KindOfFile
    mode: Annotated[str, Field(pattern=r"^[0-7]{4}$")] | None = None
    fstype: Word | None = None
    free_bytes: Number | None = None
    free_inodes: Number | None = None
    with_the_store: bool | None = None  # on the file system that holds the store


class MountFacts(Strict):
    """A mount of /proc/mounts or a line of fstab that concerns the move."""

    device: KindOfDevice
    drbd: Annotated[str, Field(pattern=r"^/dev/drbd[0-9]{1,4}$")] | None = None  # its name, of a DRBD device
    at: Where
    fstype: Word
    noauto: bool = False


class HostFacts(Strict):
    """One host; None where something could not be seen."""

    uname_as_inventory: bool
    kernel: Word | None = None
    release: Word | None = None
    eucalyptus: Word | None = None
    user: Ids | None = None
    tools: dict[Word, Word | None] = Field(default_factory=dict)  # version, "present", None where it is of no use
    service_runs: bool | None = None
    service_at_boot: bool | None = None
    drbd: Annotated[str, Field(pattern=r"^[0-9]{1,4}(\.[0-9]{1,4}){2}$")] | None = None
    drbd_module: Literal["loaded", "not loaded"] | None = None
    drbd_at_boot: bool | None = None  # None: init knows no such service
    drbd_conf: bool = False  # the file that the move writes is there already
    port_in_use: bool = False
    drops_caches: bool | None = None
    device: DeviceFacts | None = None
    places: dict[Literal["store", "staging", "old-store"], PlaceFacts] = Field(default_factory=dict)
    mounts: list[MountFacts] = Field(default_factory=list)
    fstab: list[MountFacts] = Field(default_factory=list)
    fstab_lines: Number = 0


class StoreFacts(Strict):
    """The store on the original."""

    kind: KindOfFile
    layout: Layout | None = None
    used_kib: Number | None = None


class CloudFacts(Strict):
    """What the cloud controller knows of Walrus."""

    on_original: bool
    walruses: list[Word] = Field(default_factory=list)  # the state of each
    storagedir: Annotated[str, Field(pattern=r"^//?[A-Za-z0-9._/-]+$", max_length=200)] | None = None


class Hazard(Strict):
    """A finding of preflight, by its name."""

    id: FindingId
    role: RoleName
    severity: Literal["error", "warning"]


class MeasuredFacts(Strict):
    """Several samples of one thing."""

    least: Positive
    likely: Positive
    most: Positive
    samples: Annotated[int, Field(ge=1, le=1000)]


class RateFacts(Strict):
    """As measured by reading a little."""

    answer_s: dict[RoleName, MeasuredFacts]
    entries_per_s: Positive
    hash_bytes_per_s: MeasuredFacts | None = None
    read_bytes_per_s: dict[RoleName, MeasuredFacts] = Field(default_factory=dict)


class WindowFacts(Strict):
    """How long the services would be down."""

    least_s: Annotated[float, Field(ge=0, le=1e9)]
    likely_s: Annotated[float, Field(ge=0, le=1e9)]
    most_s: Annotated[float, Field(ge=0, le=1e9)]


class Facts(Strict):
    """A site as it was seen."""

    kind: Literal["facts of a Walrus site"]
    format: Literal[1]
    engine: Word
    made: Word
    settings: Settings
    store: StoreFacts
    hosts: dict[RoleName, HostFacts]
    cloud: CloudFacts
    hazards: list[Hazard]
    not_seen: list[Word] = Field(default_factory=list)
    rates: RateFacts | None = None
    window: WindowFacts | None = None


class FactsFile(Facts):
    """The file: the facts, and the hash of them."""

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


def schema_text() -> str:
    """The JSON Schema of facts files."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **FactsFile.model_json_schema()}
    schema["title"] = "Facts of a site, as walrus-ha facts writes them"
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    print(schema_text(), end="")
