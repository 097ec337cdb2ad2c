"""The way back from a committed move: something written since is lost, or the pair does not stay what it was."""

from __future__ import annotations

from tests.broken.patching import Become, Edit, Sabotage, sabotage

_DATA, _PAIR = "migration.steps.back.data", "migration.steps.back.pair"
_WRITTEN = "reverse-keeps-what-was-written-and-deleted-since"
_TAKEN_BACK = "reverse-taken-back-on-request"


def _plan(name: str, mistake: str, *edits: tuple[str, str], scenario: str = _WRITTEN) -> Sabotage:
    return sabotage(name, mistake, scenario, *(Edit("migration.plan:reverse", old, new) for old, new in edits))


SABOTAGES = (
    sabotage(
        "go back without the difference",
        "the old store comes back as it was before the move",
        _WRITTEN,
        Edit(
            f"{_DATA}:CopyBack.apply",
            "copies.copy_and_verify(site, host, self.name, site.settings.store, site.returning_store, base)",
            "copies._copy(site, host, self.name, base, site.returning_store, False, None)",
        ),
        Become("migration.copies:listed_as_frozen", True),
        Become("migration.copies:require_unchanged"),
    ),
    sabotage(
        "go back in the old store itself",
        "the set-aside old store is written over and put in its place",
        _WRITTEN,
        Edit(
            f"{_DATA}:PutStoreBack.apply",
            "files.rename(host, site.returning_store, place)",
            "files.rename(host, site.old_store, place)",
        ),
        Become(f"{_DATA}:PutStoreBack.inspect", None),
    ),
    _plan(
        "go back while Walrus serves",
        "the pair is read while clients write to it",
        ("StopPair(),  # the window opens", ""),
    ),
    _plan(
        "leave the pair up",
        "DRBD stays up under a host that serves alone",
        ("TakePairDown(),  # its data stays on both disks", ""),
    ),
    _plan("leave the configuration", "Walrus would start on the pair again", ("Unconfigure(),", "")),
    _plan("leave the registration", "the cloud still knows two Walruses", ("DeregisterAdditional(),", "")),
    _plan("leave the additional down", "its service does not run as before the move", ("StartAdditional(),", "")),
    sabotage(
        "never commit the reverse move",
        "a reverse move can be taken back when clients have written to the original",
        "reverse-past-its-commit-point-only-goes-on",
        Edit("migration.run:Migration._stay_with_the_pair", "if engine.site.memory.committed:", "if False:"),
    ),
    sabotage(
        "believe the returning store",
        "it is put in its place without having been read back",
        "reverse-copy-reported-and-cut-short",
        Edit(
            f"{_DATA}:CopyBack.apply",
            "copies.copy_and_verify(site, host, self.name, site.settings.store, site.returning_store, base)",
            "copies._copy(site, host, self.name, site.settings.store, site.returning_store, False, base)",
        ),
        Become("migration.copies:listed_as_frozen", True),
        Become("migration.copies:require_unchanged"),
    ),
    sabotage(
        "leave the returning store",
        "a reverse move that was taken back leaves its copy behind",
        _TAKEN_BACK,
        Become(f"{_DATA}:CopyBack.undo"),
        Become(f"{_DATA}:CopyBack.still_there"),
    ),
    sabotage(
        "go back from sides that differ",
        "a reverse move begins although the peers do not talk",
        "reverse-without-the-link-is-refused",
        Edit("migration.preflight.way_back:both_sides_equal", "elif not seen.in_sync:", "elif False:"),
    ),
    sabotage(
        "go back without room",
        "what was written since does not fit, and services are stopped for nothing",
        "reverse-without-room-for-the-difference-is-refused",
        Edit("migration.preflight.way_back:room_for_the_difference", "if room.free_bytes < needed:", "if False:"),
    ),
    sabotage(
        "wipe the pair on the way back",
        "the safe copy of what was written is destroyed",
        _WRITTEN,
        Edit(
            f"{_PAIR}:TakePairDown.apply",
            '"down", site.settings.resource, Effect.WRITE))',
            '"down", site.settings.resource, Effect.WRITE))\n'
            "            host.run(dialect_on(site, host).wipe_metadata(site.settings.resource))",
        ),
    ),
)
