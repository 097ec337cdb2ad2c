"""Services, boot, fstab, options and properties: what must be stopped, kept and told."""

from __future__ import annotations

from harness.migration.step import Satisfied
from tests.broken.patching import Become, Edit, Sabotage, sabotage

_PLAIN = "success-with-full-sync"
_STOP = "migration.steps.stop:StopServices"
_BOTH = "return site.additional, site.original"
_BOOT = "migration.steps.boot:StartDrbdAtBoot"
_START = "migration.steps.start:StartServices"
_CONFIRM = "migration.steps.start:ConfirmService"
_WANTED = "migration.steps.configure:ConfigureDrbd._wanted"
_FSTAB_LINE = "mounts.fstab_with(present[FSTAB], settings.device, settings.store, settings.filesystem)"
_MANAGER = "eucalyptus.with_storage_manager(present[eucalyptus.CONFIGURATION])"
_OWN_OPTIONS = "options = [option for option in cloud_opts(configuration)"


def _plan(name: str, mistake: str, *edits: tuple[str, str], scenario: str = _PLAIN) -> Sabotage:
    return sabotage(name, mistake, scenario, *(Edit("migration.plan:staged", old, new) for old, new in edits))


def _fstab(name: str, mistake: str, options: str) -> Sabotage:
    return sabotage(name, mistake, _PLAIN, Edit("systems.mounts:fstab_with", "noauto,owner", options))


SABOTAGES = (
    sabotage(
        "stop only the original",
        "the additional Walrus goes on",
        _PLAIN,
        Edit(f"{_STOP}._stopped", _BOTH, "return (site.original,)"),
    ),
    sabotage(
        "stop only the additional",
        "the original Walrus goes on writing into the store that is copied",
        _PLAIN,
        Edit(f"{_STOP}._stopped", _BOTH, "return (site.additional,)"),
    ),
    sabotage(
        "stop the original first",
        "the cloud promotes the newcomer with its empty store",
        _PLAIN,
        Edit(f"{_STOP}._stopped", _BOTH, "return site.original, site.additional"),
    ),
    sabotage(
        "leave services starting at boot",
        "a host that reboots during the move starts its Walrus",
        "copy-interrupted-by-power-cut",
        Edit(f"{_STOP}.apply", "services.set_starts_at_boot(host, service, False)", "pass"),
        Edit("migration.steps.stop:_not_down", "services.starts_at_boot(host, service)", "False"),
    ),
    sabotage(
        "never start at boot again",
        "after the move nothing starts the services when a host boots",
        _PLAIN,
        Become(f"{_START}._at_boot", False),
    ),
    sabotage(
        "forget systemd's way to start at boot",
        "where there is no chkconfig nothing is enabled or disabled",
        "success-on-hosts-with-systemd",
        Edit("systems.services:set_starts_at_boot", "result.exit_status == NO_PROGRAM", "False"),
    ),
    sabotage(
        "forget systemd's way to stop",
        "where there is no service program the services go on",
        "success-on-hosts-with-systemd",
        Edit("systems.services:_operate", "result.exit_status == NO_PROGRAM", "False"),
    ),
    _plan("leave DRBD down at boot", "a power cut of both hosts leaves no Walrus", ("StartDrbdAtBoot(),", "")),
    sabotage(
        "DRBD at boot on one side",
        "the additional host never brings its side up again",
        ("both-hosts-lose-power-after-the-move",),
        Edit(f"{_BOOT}.inspect", "if not starts:", "if not starts and host.name == site.original.name:"),
        Edit(f"{_BOOT}.apply", "for host in site.pair:", "for host in (site.original,):"),
    ),
    sabotage(
        "DRBD at boot for good",
        "after a rollback DRBD goes on starting at boot",
        "drbd-that-cannot-be-set-to-start-at-boot-rolls-back",
        Become(f"{_BOOT}.undo"),
        Become(f"{_BOOT}.still_there"),
    ),
    _plan("stop nothing", "the services run while the store is copied", ("StopServices(),", "")),
    _plan(
        "freeze before stopping",
        "the manifest is taken while Walrus writes",
        ("StopServices(),", ""),
        ("FreezeManifest(),", "FreezeManifest(),\n        StopServices(),"),
    ),
    _plan("freeze nothing", "no manifest is taken", ("FreezeManifest(),", "")),
    _plan(
        "start before handing over",
        "Walrus is started while the engine still has the device mounted",
        ("StartServices(),", ""),
        ("HandOver(),", "StartServices(),\n        HandOver(),"),
        scenario="failure-past-the-commit-point-halts",
    ),
    _plan("register nobody", "the additional Walrus is unknown to the cloud", ("RegisterAdditional(),", "")),
    _plan("start nothing", "the services are left for somebody to start", ("StartServices(),", "")),
    _plan("set no properties", "the cloud is never told of device and resource", ("SetProperties(),", "")),
    _plan(
        "set properties too early",
        "the properties are set before Walrus has made their rows",
        ("SetProperties(),", ""),
        ("StartServices(),", "SetProperties(),\n        StartServices(),"),
    ),
    _plan("confirm nothing", "nobody waits until the pair serves", ("ConfirmService(),", "")),
    _plan("configure nothing", "neither DRBD nor Walrus is configured", ("ConfigureDrbd(),", "")),
    sabotage(
        "start only the original",
        "the additional service stays down",
        _PLAIN,
        Edit(f"{_START}.apply", "for host in site.pair:", "for host in (site.original,):"),
    ),
    sabotage(
        "no property of the resource",
        "only the device is told to the cloud",
        _PLAIN,
        Edit("migration.steps.start:SetProperties._wanted", ', "walrus.resource": site.settings.resource', ""),
    ),
    sabotage(
        "take any state for serving",
        "whatever the cloud says of the two Walruses is good enough",
        _PLAIN,
        Become(f"{_CONFIRM}.inspect", Satisfied()),
    ),
    sabotage(
        "forget fstab",
        "Walrus, which mounts as the user eucalyptus, finds no line for the device",
        _PLAIN,
        Edit(_WANTED, _FSTAB_LINE, "present[FSTAB]"),
    ),
    sabotage(
        "fstab on one side",
        "the additional host cannot mount when it takes over",
        "success-when-the-additional-walrus-is-enabled-first",
        Edit(_WANTED, _FSTAB_LINE, f"{_FSTAB_LINE} if host.name == site.original.name else present[FSTAB]"),
    ),
    _fstab("mount at boot", "the device is mounted by the boot and not by Walrus", "owner"),
    _fstab("mount by root only", "the user eucalyptus may not mount the device", "noauto"),
    sabotage(
        "fstab thrown away",
        "the lines of others are lost",
        _PLAIN,
        Edit("systems.mounts:fstab_with", "[*kept, wanted]", "[wanted]"),
    ),
    sabotage(
        "forget the storage manager",
        "Walrus starts without its DRBD manager",
        _PLAIN,
        Edit("systems.eucalyptus:with_storage_manager", "[*options, MANAGER_OPTION]", "[*options]"),
    ),
    sabotage(
        "other options thrown away",
        "as the vendor's text: CLOUD_OPTS is set anew, heap and bind options are lost",
        _PLAIN,
        Edit("systems.eucalyptus:with_storage_manager", "[*options, MANAGER_OPTION]", "[MANAGER_OPTION]"),
    ),
    sabotage(
        "storage manager on one side",
        "the additional Walrus starts without its DRBD manager",
        "success-when-the-additional-walrus-is-enabled-first",
        Edit(
            _WANTED, _MANAGER, f"{_MANAGER} if host.name == site.original.name else present[eucalyptus.CONFIGURATION]"
        ),
    ),
    sabotage(
        "believe that the keys arrived",
        "a registration that exited 0 is good enough",
        "key-sync-fails-silently",
        Become("systems.eucalyptus:key_sync_failed", False),
        Become("migration.steps.register:_same_keys", True),
    ),
)
