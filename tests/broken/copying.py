"""Copies that lose something, and copies that are believed."""

from __future__ import annotations

from tests.broken.patching import Edit, Sabotage, Set, sabotage

_PLAIN = "success-with-full-sync"
_BY_RSYNC = "success-with-copies-by-rsync"
_DELETING = "online-cut-over-waits-until-it-is-ordered"
_KEPT = '_KEEPING, "--delete"'
_OPTIONS = '"-aHAXSx", "--numeric-ids", "--delete", "--partial", "--stats", "--exclude=/lost+found"'


def _rsync(name: str, mistake: str, options: str, scenario: str = _BY_RSYNC) -> Sabotage:
    return sabotage(name, mistake, scenario, Edit("systems.copying:copy_command", f"*{_KEPT}", options))


def _without(word: str) -> str:
    return _OPTIONS.replace(f', "{word}"', "")


def _letters(letters: str) -> str:
    return _OPTIONS.replace("-aHAXSx", letters)


SABOTAGES = (
    _rsync("copy without -H", "hard links become files of their own", _letters("-aAXSx")),
    _rsync("copy without -X", "extended attributes are lost", _letters("-aHASx")),
    _rsync("copy without -A", "access control lists are lost", _letters("-aHXSx")),
    _rsync("copy without -S", "holes are filled", _letters("-aHAXx")),
    _rsync("copy without times", "modification times are lost", _letters("-rlpgoDHAXSx")),
    _rsync("copy without owners", "everything belongs to root", _letters("-rlptDHAXSx")),
    _rsync("copy without modes", "permissions are lost", _letters("-rltgoDHAXSx")),
    _rsync("copy without links", "symbolic links are left out", _letters("-rptgoDHAXSx")),
    _rsync("copy without --delete", "what is gone from the source stays in the copy", _without("--delete"), _DELETING),
    sabotage(
        "copy into a subdirectory",
        "the slash behind the source is missing, so the store lands one level too deep",
        _BY_RSYNC,
        Edit("systems.copying:copy_command", 'f"{source}/"', 'f"{source}"'),
    ),
    sabotage(
        "copy by cp into a subdirectory",
        "the dot behind the source is missing, so the store lands one level too deep",
        "copy-by-cp-interrupted-begins-anew",
        Edit(
            "systems.copying:cp_command",
            '("cp", "-a", "-x", *own, "--", f"{source}/.",',
            '("cp", "-R", "--preserve", source,',
        ),
    ),
    sabotage(
        "copy again by size and time only",
        "a second round that trusts size and time leaves the bad object",
        "staged-copy-corrupted",
        Edit("systems.copying:copy_command", "if by_content:", "if False:"),
    ),
    sabotage(
        "copy only once",
        "an object that was read back wrong is not copied again",
        "staged-copy-corrupted",
        Set("migration.copies:_ROUNDS", 1),
    ),
    sabotage(
        "skip verifying the staged copy",
        "the staged copy is believed because the copy command said that it went well",
        "staged-copy-corrupted",
        Edit(
            "migration.copies:copy_and_verify",
            "said = comparing.differences(",
            "said = [] if destination == site.staged_copy else comparing.differences(",
        ),
    ),
    sabotage(
        "skip verifying any copy",
        "no copy is read back",
        "staged-copy-corrupted",
        Edit("migration.copies:copy_and_verify", "if not said:", "if True:"),
    ),
    sabotage(
        "verify by listing",
        "names, sizes and times are compared, contents are not",
        "staged-copy-corrupted",
        Edit(
            "migration.copies:copy_and_verify",
            "step, destination), copied=True)",
            "step, destination), by_listing=True)",
        ),
    ),
    sabotage(
        "verify against the source",
        "the restored store is compared with the staged copy and not with what was frozen",
        "staged-copy-corrupted-after-it-was-verified",
        Edit("migration.copies:copy_and_verify", "frozen(site)", "full_manifest(site, host, step, source)"),
    ),
    sabotage(
        "believe any openssl",
        "what hashes is never asked for the answer that is known",
        "openssl-that-lies-hashes-nothing",
        Edit("systems.hashers:hasher_of", "answer.ok and answer.stdout == _ITS_LINE", "True"),
    ),
    sabotage(
        "take any store for unchanged",
        "a store is never compared with what was frozen before it is moved or taken back",
        "writer-not-stopped",
        Edit("migration.copies:require_unchanged", "raise StepBlocked(", "str("),
    ),
    sabotage(
        "freeze without contents",
        "the frozen manifest holds names and sizes and no hashes",
        _PLAIN,
        Edit(
            "migration.steps.freeze:FreezeManifest.apply",
            "copies.full_manifest(site, site.original, self.name, root)",
            "store.listing(site.original, root)",
        ),
    ),
    sabotage(
        "freeze only what is easy",
        "directories without objects and links are left out of the manifest",
        _PLAIN,
        Edit(
            "migration.steps.freeze:FreezeManifest.apply",
            "site.memory.freeze(manifest)",
            "site.memory.freeze(one for one in manifest if one.kind == 'file')",
        ),
    ),
    sabotage(
        "mount nothing before restoring",
        "as the vendor's text: the copy goes to the bare mount point",
        _PLAIN,
        Edit("migration.steps.mounting:MountDevice.inspect", "try:", "return Satisfied()\n    try:"),
        Edit("migration.steps.mounting:MountDevice.apply", "proofs.destroy(", "str("),
    ),
    sabotage(
        "delete the old store at the end",
        "the old store is removed once the pair is started, although nobody trusts the pair yet",
        _PLAIN,
        Edit(
            "migration.steps.start:SetProperties.apply",
            "bound = site",
            "from harness.hosts.command import Effect\n"
            '    site.original.run(Command(("rm", "-rf", "--", site.old_store), Effect.WRITE))\n'
            "    bound = site",
        ),
    ),
    sabotage(
        "delete the staged copy at the end",
        "the last words say that the staged copy was kept, and it was not",
        _PLAIN,
        Edit(
            "migration.steps.start:SetProperties.apply",
            "bound = site",
            "from harness.hosts.command import Effect\n"
            '    site.original.run(Command(("rm", "-rf", "--", site.staged_copy), Effect.WRITE))\n'
            "    bound = site",
        ),
    ),
    sabotage(
        "delete instead of rename",
        "the store is removed once it is staged; the rollback would have to come from the copy",
        "staged-copy-corrupted-after-it-was-verified",
        Edit(
            "migration.steps.aside:SetStoreAside.apply",
            "files.rename(host, place, old, flush=False)",
            'host.run(Command(("rm", "-rf", "--", place), Effect.WRITE))\n'
            "        files.make_directory(host, place, 0o700)\n"
            "        files.make_directory(host, old, 0o700)",
        ),
    ),
    sabotage(
        "no old store",
        "nothing is set aside: the device is mounted over the full store",
        _PLAIN,
        Edit("migration.plan:staged", "SetStoreAside(),", ""),
    ),
    sabotage(
        "copy again from the start",
        "a copy that runs already is not taken over, another is started beside it",
        "copy-interrupted-by-engine-death-resumes",
        Edit("migration.jobs:_open_job", 'if last and not last["collected"]:', "if False:"),
    ),
    sabotage(
        "wait for no copy",
        "a copy that still runs counts as done",
        _PLAIN,
        Edit("migration.jobs:_Watch.until_end", "is not JobStatus.RUNNING", "is not None"),
        Edit("migration.jobs:run_job", "if result is None:", "if False:"),
    ),
    sabotage(
        "the copy is not flushed",
        "nothing is flushed and nothing is read back from the disk",
        "failed-flush-of-the-copy",
        Edit("migration.copies:copy_and_verify", "copying.drop_cached_pages(host, destination)", "pass"),
    ),
)
