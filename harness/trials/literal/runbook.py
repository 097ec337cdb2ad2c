"""The vendor's text as lines: Eucalyptus 3.2, Appendix C, *Moving to High Availability*, and the topics it links to.

The linked topics are *Register Walrus*, *Configure DRBD* and *Skip Initial Device Synchronization* of the same guide
(github.com/eucalyptus/documentation, content/en_us/ig). What is typed are the vendor's commands, with the names of the
inventory in place of the examples'. Every line that is not in the text says why it is here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.hosts.command import Effect
from harness.inventory import Inventory, Node, Role
from harness.trials.literal.choices import Choices, VendorStep

FSTAB, MASTER, CONFIGURATION = "/etc/fstab", "/etc/drbd.conf", "/etc/eucalyptus/eucalyptus.conf"
READ, WRITE, DESTROY = Effect.READ, Effect.WRITE, Effect.DESTROY
UP_TO_DATE = "UpToDate/UpToDate"
Says = Callable[[str], bool]


@dataclass(frozen=True)
class Typed:
    """A line typed on a host. With ``until`` it is typed again and again until it says so, or patience ends."""

    step: VendorStep
    host: Role
    line: str
    effect: Effect = WRITE
    until: Says | None = None
    patience_s: float = 0.0


@dataclass(frozen=True)
class Edited:
    """A file opened in an editor, changed and saved."""

    step: VendorStep
    host: Role
    path: str
    change: Callable[[str], str]


@dataclass(frozen=True)
class Copied:
    """A file copied from the primary to the secondary Walrus."""

    step: VendorStep
    path: str


Line = Typed | Edited | Copied


def appendix_c(inventory: Inventory, choices: Choices) -> list[Line]:
    """Every line of the procedure, in its order."""
    return Appendix(inventory, choices).lines()


@dataclass(frozen=True)
class Appendix:
    """The text with the inventory's names filled in; the original Walrus is its primary, the other its secondary."""

    inventory: Inventory
    choices: Choices

    def lines(self) -> list[Line]:
        return [
            *self.c1_register(),
            *self.c2_stop(),
            *self.c3_copy_away(),
            *self.c4_configure_drbd(),
            *self.c5_look(),
            *self.c6_copy_back(),
            *self.c7_watch(),
            *self.c8_start(),
        ]

    def c1_register(self) -> list[Line]:
        """1. To register an additional component follow Registering Eucalyptus."""
        node = self.inventory.additional
        name = f"walrus-{node.uname}"  # as the topic recommends
        options = f"--partition walrus --host {node.address} --component {name}"
        status = f"service {self.inventory.settings.service} status"
        return [
            # Said by another topic of the guide: a component runs when it is registered.
            Typed("c1-register", "additional", status, READ, lambda said: "are running" in said, 120.0),
            Typed("c1-register", "clc", f"euca_conf --register-walrus {options}"),
        ]

    def c2_stop(self) -> list[Line]:
        """2. Start by shutting down the service on both Walrus servers."""
        return self._service("c2-stop", "stop")

    def c3_copy_away(self) -> list[Line]:
        """3. On the original primary, copy the current contents to a temporary location."""
        return [Typed("c3-copy-away", "original", f"cp -R --preserve {self._store} {self._location}/")]

    def c4_configure_drbd(self) -> list[Line]:
        """4. Configure your new DRBD device: the topic of that name, from its first step to its last."""
        return [
            Typed("c4-edit-files", "original", "modprobe drbd"),
            # Later editions of the guide say this of the secondary too (DOC-1063); without it 8.3 does not get there.
            Typed("c4-edit-files", "additional", "modprobe drbd"),
            *self._edit_files(),
            *self._service("c4-restart", "restart"),
            self._watch_services("c4-restart", patience_s=15.0),  # "Monitor the failover"; it cannot succeed yet
            *self._service("c4-restart", "stop"),
            *self._create_metadata("original"),
            *(self._create_metadata("additional") if self.choices.repeat_on_secondary == "in_turn" else ()),
            # Who leaves the secondary for later, has nothing to wait for yet.
            *self._first_sync(patience_s=600.0 if self.choices.repeat_on_secondary == "in_turn" else 0.0),
            *self._make_filesystem(),
        ]

    def c5_look(self) -> list[Line]:
        """5. On the primary Walrus, ensure the new DRBD resource is in a primary state."""
        return [Typed("c5-look", "original", "drbd-overview", READ)]

    def c6_copy_back(self) -> list[Line]:
        """6. Copy the preserved contents to the new DRBD device; tips before and after."""
        stop = self._service("c6-copy-back", "stop") if self.choices.stop_before_copy else []
        from_there = self._location
        if self.choices.fix_nested == "star" and self.choices.destination_exists:
            from_there += "/" + self._store.rsplit("/", 1)[-1]
        copy = Typed("c6-copy-back", "original", f"cp -R --preserve {from_there}/* {self._store}/")
        return [*stop, copy, *(self._skip_sync() if self.choices.skip_sync else ())]

    def c7_watch(self) -> list[Line]:
        """7. Monitor the state of the resource, until it is UpToDate/UpToDate."""
        return [Typed("c7-watch", "original", "drbd-overview", READ, lambda said: UP_TO_DATE in said, 600.0)]

    def c8_start(self) -> list[Line]:
        """8. With the synchronization complete, start the service. The text does not say on which host."""
        return self._service("c8-start", "start")

    # Configure DRBD

    def _edit_files(self) -> list[Line]:
        settings = self.inventory.settings
        step: VendorStep = "c4-edit-files"
        fstab = f"{settings.device} {settings.store} ext3 noauto,owner 0 0"
        return [
            Edited(step, "original", settings.drbd_conf, lambda example: self.drbd_conf()),
            Edited(step, "original", MASTER, lambda text: _appended(text, f'include "{settings.drbd_conf}";')),
            Edited(step, "original", FSTAB, lambda text: _appended(text, fstab)),
            Edited(step, "additional", FSTAB, lambda text: _appended(text, fstab)),
            Edited(step, "original", CONFIGURATION, _with_cloud_opts),
            Copied(step, MASTER),
            Copied(step, settings.drbd_conf),
            Copied(step, CONFIGURATION),
        ]

    def drbd_conf(self) -> str:
        """The example with its placeholders filled in, without a ``common`` section, as the note for RHEL 6 has it."""
        hosts = "".join(map(self._host_section, self.inventory.pair))
        return (
            f"resource {self.inventory.settings.resource} {{\n{hosts}"
            "  syncer {\n    rate 40M;\n  }\n"
            "  net {\n    after-sb-0pri discard-zero-changes;\n    after-sb-1pri discard-secondary;\n  }\n}\n"
        )

    def _host_section(self, node: Node) -> str:
        settings, address = self.inventory.settings, node.replication_address or node.address
        return (
            f"  on {node.uname} {{\n    device    {settings.device};\n    disk      {node.backing_device};\n"
            f"    address   {address}:{settings.port};\n    meta-disk internal;\n  }}\n"
        )

    def _create_metadata(self, host: Role, step: VendorStep = "c4-create-metadata") -> list[Line]:
        disk = (
            self.inventory.original.backing_device if host == "original" else self.inventory.additional.backing_device
        )
        create = f"drbdmeta --force {self._device} v08 {disk} internal create-md"
        return [Typed(step, host, create, DESTROY), Typed(step, host, f"drbdadm up {self._resource}")]

    def _first_sync(self, step: VendorStep = "c4-first-sync", patience_s: float = 600.0) -> list[Line]:
        force = f"drbdadm -- --overwrite-data-of-peer primary {self._resource}"
        ask = f"drbdadm dstate {self._resource}"
        return [
            Typed(step, "original", f"drbdsetup {self._device} syncer -r 110M"),
            Typed(step, "original", force, DESTROY),
            Typed(step, "original", ask, READ, lambda said: UP_TO_DATE in said, patience_s),
        ]

    def _make_filesystem(self) -> list[Line]:
        set_property = "euca-modify-property -p walrus."
        return [
            Typed("c4-make-filesystem", "original", f"mkfs.{self.choices.make_filesystem} {self._device}", DESTROY),
            *self._service("c4-start", "start"),
            Typed("c4-start", "clc", f"{set_property}blockdevice={self._device}"),
            Typed("c4-start", "clc", f"{set_property}resource={self._resource}"),
            # Not in the text: a fair reader does not go on before the cloud has taken the properties up.
            self._watch_services("c4-start", patience_s=60.0),
        ]

    # Skip Initial Device Synchronization

    def _skip_sync(self) -> list[Line]:
        """The topic begins where Configure DRBD has copied its files, and resumes where that sets the device up."""
        step: VendorStep = "c6-skip-sync"
        resumed = [] if self.choices.balks_at_mkfs else [*self._first_sync(step), *self._make_filesystem()]
        return [
            *self._service(step, "stop"),
            # Not in the text: what is up takes no metadata, and the topic begins before they are made.
            Typed(step, "original", f"drbdadm down {self._resource}"),
            Typed(step, "additional", f"drbdadm down {self._resource}"),
            *self._create_metadata("original", step),
            *self._create_metadata("additional", step),
            Typed(step, "original", f"drbdadm -- --clear-bitmap new-current-uuid {self._resource}", DESTROY),
            Typed(step, "original", f"drbdadm primary {self._resource}"),
            *resumed,
        ]

    # Words

    @property
    def _store(self) -> str:
        return self.inventory.settings.store

    @property
    def _location(self) -> str:
        """The temporary location: a directory that is there, or a name in it that is not."""
        existing = self.inventory.settings.staging
        return existing if self.choices.destination_exists else f"{existing}/{self._store.rsplit('/', 1)[-1]}"

    @property
    def _device(self) -> str:
        return self.inventory.settings.device

    @property
    def _resource(self) -> str:
        return self.inventory.settings.resource

    def _service(self, step: VendorStep, verb: str) -> list[Line]:
        """First on the primary, then on the secondary."""
        line = f"service {self.inventory.settings.service} {verb}"
        return [Typed(step, "original", line), Typed(step, "additional", line)]

    def _watch_services(self, step: VendorStep, patience_s: float) -> Line:
        return Typed(step, "clc", "euca-describe-services", READ, _one_of_each, patience_s)


def _one_of_each(said: str) -> bool:
    return "ENABLED" in said and "DISABLED" in said


def _appended(text: str, line: str) -> str:
    """With the line at the end; whoever sees in the editor that it is there does not add it again."""
    if line in text.splitlines():
        return text
    return f"{text.rstrip()}\n{line}\n".lstrip("\n")


def _with_cloud_opts(text: str) -> str:
    """The variable set as the topic shows it: whatever options it had are gone."""
    wanted = 'CLOUD_OPTS="-Dwalrus.storage.manager=DRBDStorageManager"'
    kept = [line for line in text.splitlines() if not line.startswith("CLOUD_OPTS=")]
    return "\n".join([*kept, wanted]) + "\n"
