"""DRBD: the wrong side, the wrong moment, the wrong words."""

from __future__ import annotations

from tests.broken.patching import Become, Edit, Sabotage, sabotage

_PLAIN = "success-with-full-sync"
_IN_SYNC = "systems.drbd.status:Status.in_sync"
_ALL_THREE = '(self.connection, self.disk, self.peer_disk) == ("Connected", "UpToDate", "UpToDate")'
_NOT_GIVEN = "migration.steps.handover:_not_given"
_PRIMARY = "migration.steps.primary:BecomePrimary"
_SYNC = "migration.steps.sync:WaitForSync"
_CONFIGURE = "migration.steps.configure:ConfigureDrbd"
_NOT_WAITING = Edit(f"{_SYNC}.inspect", "zip(site.pair, found, strict=True)", "()")


def _config(name: str, mistake: str, old: str, new: str, scenario: str = _PLAIN) -> Sabotage:
    return sabotage(name, mistake, scenario, Edit("systems.drbd.config:render", old, new))


def _plan(name: str, mistake: str, scenario: str, *edits: tuple[str, str]) -> Sabotage:
    return sabotage(name, mistake, scenario, *(Edit("migration.plan:staged", old, new) for old, new in edits))


SABOTAGES = (
    sabotage(
        "start Walrus before UpToDate",
        "nobody waits for the synchronisation",
        _PLAIN,
        _NOT_WAITING,
        Edit(_NOT_GIVEN, " or not seen.in_sync", ""),
    ),
    sabotage(
        "look at one disk only",
        "the original's UpToDate counts for both",
        _PLAIN,
        Edit(_IN_SYNC, _ALL_THREE, 'self.disk == "UpToDate"'),
        Edit(_IN_SYNC, "self.out_of_sync_kib == 0", "True"),
    ),
    sabotage(
        "demote instead of unmounting",
        "the device is left mounted and Primary for Walrus to find",
        _PLAIN,
        Become("migration.steps.handover:HandOver.apply"),
        Become(_NOT_GIVEN),
    ),
    _plan(
        "hand nothing over",
        "the step that unmounts and demotes is missing from the plan",
        _PLAIN,
        ("HandOver(),", ""),
    ),
    sabotage(
        "reverse the sync",
        "the additional host is made Primary by force: its emptiness would win",
        _PLAIN,
        Edit(f"{_PRIMARY}.apply", "site.original, _FreshPair(site)", "site.additional, _FreshPair(site)"),
    ),
    sabotage(
        "never force the first Primary",
        "plain primary on a pair of which no side is UpToDate",
        _PLAIN,
        Edit(f"{_PRIMARY}.apply", 'seen.disk == "Inconsistent"', "False"),
    ),
    sabotage(
        "force again",
        "Primary is forced whenever it is wanted, also on a pair that has data",
        "restore-interrupted-by-power-cut",
        Edit(f"{_PRIMARY}.apply", 'seen.disk == "Inconsistent"', "True"),
        Edit("migration.steps.primary:_FreshPair.denied", "if not fresh or", "if False and"),
    ),
    sabotage(
        "declare equal instead of waiting",
        "the bitmap is cleared while the first sync runs: the rest never reaches the peer",
        _PLAIN,
        Edit(
            f"{_SYNC}.apply",
            "whole = max(whole, seen.out_of_sync_kib)",
            "from harness.migration.steps.configure import dialect_on\n"
            "        site.original.attempt(dialect_on(site, site.original).skip_first_sync(site.settings.resource))\n"
            "        whole = max(whole, seen.out_of_sync_kib)",
        ),
    ),
    sabotage(
        "ignore where the sync stands",
        "a sync that stands still for good is waited for without a bound",
        "sync-that-never-ends-is-taken-back",
        Edit(f"{_SYNC}.apply", "elif clock.now() - moved_at > stall:", "elif False:"),
    ),
    sabotage(
        "give up a sync at once",
        "a sync that stands still for a moment counts as failed",
        "sync-stalls-then-resumes",
        Edit(f"{_SYNC}.apply", "site.settings.waits.stall", "0.5"),
    ),
    sabotage(
        "connect by force",
        "both sides are disconnected and connected anew while they sync",
        "failed-sync-link-lost-at-40-percent-heals",
        Edit(
            f"{_SYNC}.apply",
            "if not self._has_source(site, seen):",
            "if not seen.talking:\n"
            '            raise StepBlocked("the link is lost")\n'
            "        if not self._has_source(site, seen):",
        ),
    ),
    sabotage(
        "bring up one side",
        "the resource is brought up on the original only",
        _PLAIN,
        Edit("migration.steps.connect:ConnectPeers.apply", "for host in site.pair:", "for host in (site.original,):"),
    ),
    sabotage(
        "metadata on one side",
        "metadata is made on the original only",
        _PLAIN,
        Edit(
            "migration.steps.metadata:CreateMetadata.apply", "for host in site.pair:", "for host in (site.original,):"
        ),
    ),
    sabotage(
        "make the file system again",
        "the file system of this run is never taken for its own, and made anew",
        "success-with-full-sync",
        Edit(
            "migration.steps.filesystem:MakeFilesystem.inspect",
            'device, wanted = site.settings.device, site.memory.fact("filesystem")',
            "device, wanted = site.settings.device, None",
        ),
        Edit("systems.volumes:Blank.denied", "if reason else None", "if False else None"),
    ),
    sabotage(
        "make the file system on the disk",
        "the file system is made on the backing device, past DRBD",
        _PLAIN,
        Edit(
            "migration.steps.filesystem:MakeFilesystem.apply",
            "volumes.make_filesystem_command(device,",
            "volumes.make_filesystem_command(site.disk(host),",
        ),
    ),
    _plan(
        "restore before Primary",
        "the device is mounted before anybody is Primary",
        _PLAIN,
        ("BecomePrimary(),", ""),
        ("RestoreStore(),", "RestoreStore(),\n        BecomePrimary(),"),
    ),
    _plan("no file system", "the device is mounted as it is", _PLAIN, ("MakeFilesystem(),", "")),
    sabotage(
        "speak 8.4 to DRBD 8.3",
        "the options of primary and the rate stand where 8.4 has them",
        "success-on-drbd-8.3",
        Edit("systems.drbd.dialect:Dialect.command", "self.options_first and options", "False"),
    ),
    _config(
        "discard by policy",
        "after a split brain DRBD throws one side's writes away by itself",
        "after-sb-1pri disconnect;",
        "after-sb-1pri discard-secondary;",
    ),
    _config(
        "discard zero changes",
        "the vendor's own policy for a split brain without a Primary",
        "after-sb-0pri disconnect;",
        "after-sb-0pri discard-zero-changes;",
    ),
    _config(
        "write without waiting for the peer",
        "protocol A: a write is done before the peer has it",
        "protocol C;",
        "protocol A;",
    ),
    _config(
        "no peer in the configuration",
        "the second `on` section is missing",
        "for peer in resource.peers:",
        "for peer in resource.peers[:1]:",
    ),
    _config(
        "another device in the configuration",
        "the resource has a device that nobody mounts",
        "device {resource.device};",
        "device {resource.device}7;",
    ),
    sabotage(
        "another configuration on one side",
        "the additional host listens on another port",
        _PLAIN,
        Edit(
            f"{_CONFIGURE}._wanted",
            "config.render(site.resource(), dialect_on(site, host))",
            "config.render(site.resource(), dialect_on(site, host)).replace("
            "':7789', ':7790' if host.name == site.additional.name else ':7789')",
        ),
    ),
    sabotage(
        "another policy on one side",
        "the configuration of the additional host does not say what the original's says",
        _PLAIN,
        Edit(
            f"{_CONFIGURE}._wanted",
            "config.render(site.resource(), dialect_on(site, host))",
            "config.render(site.resource(), dialect_on(site, host)).replace("
            "'sha1', 'md5' if host.name == site.additional.name else 'sha1')",
        ),
    ),
    sabotage(
        "forget the include",
        "/etc/drbd.conf does not include the file of the pair",
        _PLAIN,
        Edit("systems.drbd.config:with_include", "return f", "return main or f"),
    ),
    sabotage(
        "no module",
        "the drbd module is not loaded where it is missing",
        "success-on-drbd-8.3",
        Edit("migration.steps.connect:ConnectPeers.bring_up", "not status.module_loaded(host)", "False"),
        Edit(f"{_CONFIGURE}._state_beside_files", "not status.module_loaded(host)", "False"),
        Edit(f"{_CONFIGURE}.configure", "not status.module_loaded(host)", "False"),
    ),
    sabotage(
        "compare device names by prefix",
        "the neighbour /dev/drbd10 is taken for /dev/drbd1",
        "neighbour-with-a-longer-device-name",
        Edit("systems.mounts:fstab_with", "_fields(line)[:2] != [device, at]", "not line.startswith(device)"),
    ),
)
