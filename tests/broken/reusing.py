"""A store on the device to be replicated: erased too early, without two copies, or restored from nowhere."""

from __future__ import annotations

from tests.broken.patching import Become, Edit, sabotage

_SUCCESS = "success-reuse-device"
_ROTS = "reuse-device-second-copy-rots-before-the-clearing"
_BACK = "reuse-device-rollback-after-the-clearing-restores-the-store"
_CLEAR = "migration.steps.clear"
_SECOND = "migration.steps.second"

SABOTAGES = (
    sabotage(
        "erase with one copy",
        "the second copy is never made, and nobody asks for it",
        _SUCCESS,
        Edit("migration.plan:reusing", "StageSecond(),  # on another disk, from the store as well", ""),
        Edit("migration.plan:reusing", '("staged", "second-staged", "restored")', '("staged", "restored")'),
        Become(f"{_CLEAR}:TwoCopies.denied"),
        Edit("migration.site:Site.staged_copies", "if self.settings.reuse_device", "if False"),
    ),
    sabotage(
        "second copy unverified",
        "what rsync called done is taken for a copy, and is not read again before the store goes",
        _ROTS,
        Become("migration.copies:require_read_back"),
    ),
    sabotage(
        "erase before the copies are read again",
        "the reading of hours ago is believed",
        _ROTS,
        Edit(
            f"{_CLEAR}:ClearDevice._erase",
            'copies.require_read_back(site, host, self.name, place, f"read-copy-{number}")',
            "pass",
        ),
    ),
    sabotage(
        "restore from the emptied place",
        "after the erasing the store's place is still taken for the store, and made equal to it are the copies",
        _SUCCESS,
        Edit(
            "migration.steps.restore:RestoreFromCopies.apply",
            "site.staged_copies, site.settings.store",
            "(site.settings.store,), site.staged_copy",
        ),
        Edit("migration.copies:copy_from_any", "if not listed_as_frozen(site, host, source):", "if False:"),
        Edit("migration.copies:copy_and_verify", "if not said:", "if True:"),
    ),
    sabotage(
        "put nothing back",
        "a rollback that made the file system again takes it for the store",
        _BACK,
        Become(f"{_CLEAR}:ClearDevice._restore"),
        Become("migration.proofs:KeptAt.denied"),
        Become("migration.steps.second:StageFromDevice.still_there"),
    ),
    sabotage(
        "another file system is put back",
        "it has a UUID of its own, so that fstab finds nothing at the next boot",
        _BACK,
        Edit("systems.volumes:make_named_filesystem_command", 'else ("-U", found.uuid)', "else ()"),
    ),
    sabotage(
        "fstab still mounts the erased device",
        "a boot after the erasing ends in a shell on the console",
        "reuse-device-power-cut-right-after-the-clearing",
        Edit("systems.mounts:fstab_asleep", "_ASLEEP if one == line else ''", "''"),
        Edit(
            "migration.steps.unmount:UnmountStore.inspect",
            "if old_device.fstab_line(host, place, site.disk(host)):",
            "if False:",
        ),
    ),
    sabotage(
        "one disk for both copies",
        "two directories are taken for two disks",
        "reuse-device-second-staging-on-one-disk",
        Become("migration.apart:sharing", ()),
    ),
    sabotage(
        "erase a device that does not hold the store",
        "reuse_device is taken at its word",
        "reuse-device-that-does-not-hold-the-store",
        Edit("migration.preflight.reuse:on_the_device", "if not mounted:", "if False:"),
    ),
    sabotage(
        "take the given-back device for one's own",
        "a rollback that goes on looks for metadata where the store lies again",
        "reuse-device-rollback-finishes-when-the-absent-host-is-back",
        Become(f"{_CLEAR}:_given_back", False),
    ),
    sabotage(
        "believe a copy that gave nothing",
        "the other copy is never asked",
        "reuse-device-first-copy-rots-after-the-clearing",
        Edit("migration.copies:copy_from_any", "for source in sources:", "for source in sources[:1]:"),
    ),
)
