"""Retiring: deleting before the proof, past it, or something else."""

from __future__ import annotations

from tests.broken.patching import Become, Edit, sabotage

_RETIRE = "migration.retire"
_AFTER = "retired-after-success-the-pair-holds-the-only-copies"

SABOTAGES = (
    sabotage(
        "retire before the move is completed",
        "that the pair was never proven to serve is no reason to keep what is known to be good",
        "retiring-before-the-move-is-completed-is-refused",
        Become(f"{_RETIRE}:unfit"),
        Edit(f"{_RETIRE}:serving", 'states.get(site.node(host).address) == "ENABLED"', "True"),
        Become("migration.holding:Holding.fault"),
    ),
    sabotage(
        "retire with one side away",
        "the side that answers counts for both",
        "retiring-while-the-peers-are-apart-is-refused",
        Edit(f"{_RETIRE}:unfit", "seen is None or not seen.in_sync", "seen is None"),
    ),
    sabotage(
        "retire while nobody serves",
        "UpToDate is taken for serving",
        "retiring-while-nobody-serves-is-refused",
        Edit(f"{_RETIRE}:unfit", "if len(enabled) != 1:", "if False:"),
        Edit(f"{_RETIRE}:unfit", "missing = not_on_device(site, enabled[0])", "missing = None"),
        Edit(f"{_RETIRE}:serving", 'states.get(site.node(host).address) == "ENABLED"', "True"),
        Become("migration.holding:Holding.fault"),
    ),
    sabotage(
        "retire without reading the store back",
        "what the pair holds is believed",
        _AFTER,
        Edit(
            f"{_RETIRE}:Retirement._holding",
            "copies.full_manifest(self._site, host, STEP, self._site.settings.store)",
            "copies.frozen(self._site)",
        ),
    ),
    sabotage(
        "retire what the pair does not give back",
        "an object that reads back with other content is no reason to keep the good one",
        "retiring-a-store-that-rotted-on-the-pair-is-refused",
        Become("migration.holding:Holding.fault"),
    ),
    sabotage(
        "retire the wrong path",
        "the mount point's parent is removed and not what lies beside it",
        _AFTER,
        Edit(f"{_RETIRE}:Retirement._delete", '"--", path), Effect', '"--", self._site.settings.staging), Effect'),
        Edit(f"{_RETIRE}:Retirement._delete", "if files.stat(host, path) is not None:", "if False:"),
    ),
    sabotage(
        "retire the served store",
        "the store is removed through its mount point",
        _AFTER,
        Edit(f"{_RETIRE}:Retirement._delete", '"--", path), Effect', '"--", self._site.settings.store), Effect'),
        Edit(
            f"{_RETIRE}:Retirement._delete", "host, memory = self._site.original", "host, memory = serving(self._site)"
        ),
        Edit(f"{_RETIRE}:Superseded.denied", "not_ours(self.site, host, self.path)", "None"),
        Edit(f"{_RETIRE}:Retirement._delete", "if files.stat(host, path) is not None:", "if False:"),
    ),
    sabotage(
        "forget what was retired",
        "the journal does not say that the old store is gone on purpose",
        "retired-twice-the-second-time-changes-nothing",
        Edit(f"{_RETIRE}:Retirement.run", 'memory.note("retired", STEP, path=path)', "pass"),
    ),
    sabotage(
        "say retired and delete nothing",
        "the last words are all that was done",
        _AFTER,
        Edit(f"{_RETIRE}:Retirement.run", "self._delete(path, held)", "pass"),
    ),
)
