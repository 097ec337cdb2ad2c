"""The run's memory: forgotten, believed, or written too late."""

from __future__ import annotations

from tests.broken.patching import Become, Edit, sabotage

_ACT = "migration.engine:Engine._act"

SABOTAGES = (
    sabotage(
        "believe the journal",
        "what was done once is not looked at again",
        "configuring-again-after-an-interruption-wipes-the-store.engine",
        Edit(
            "migration.engine:Engine.look",
            "return step.inspect(",
            "if self.site.memory.done(step.name):\n        return Satisfied()\n    return step.inspect(",
        ),
    ),
    sabotage(
        "forget to re-inspect",
        "a step that acted counts as done, whatever came of it",
        "metadata-reported-and-not-made",
        Edit(_ACT, "after = self.look(step)", "after = Satisfied()"),
    ),
    sabotage(
        "no intents",
        "that a step is begun is noted nowhere",
        "mkfs-fails-rolls-back",
        Edit(_ACT, "if not self.site.memory.intended(step.name):", "if False:"),
    ),
    sabotage(
        "the intent after the deed",
        "a step is noted as begun when it is over: one that fails half-way is never taken back",
        "copy-interrupted-by-full-disk",
        Edit(_ACT, "if not self.site.memory.intended(step.name):", "if False:"),
        Edit(
            _ACT,
            'self._tell(Event("acted", step.name, ""))',
            'self.site.memory.note("intent", step.name)\n    self._tell(Event("acted", step.name, ""))',
        ),
    ),
    sabotage(
        "start with an empty memory",
        "an engine that begins again does not read what the last one wrote",
        "copy-interrupted-by-engine-death-resumes",
        Edit("migration.journal:Journal.open", "entries, length = read(path)", "entries, length = [], 0"),
    ),
    sabotage(
        "remember what was taken back",
        "what the run knew before a rollback still counts after it",
        "rolled-back-move-can-begin-again",
        Edit("migration.memory:counting", "last_end = max(", "last_end = -1 or max("),
    ),
    sabotage(
        "the first word counts",
        "of a fact that changed, the oldest value is believed",
        "staged-copy-corrupted",
        Edit(
            "migration.memory:_Present.grown",
            'self.facts | {entry.data["name"]: entry.data["value"] for entry in more if entry.kind == "fact"}',
            '{entry.data["name"]: entry.data["value"] for entry in more if entry.kind == "fact"} | self.facts',
        ),
    ),
    sabotage(
        "no facts",
        "nothing is remembered of what was found",
        "success-with-full-sync",
        Become("migration.memory:Memory.remember"),
    ),
    sabotage(
        "no frozen manifest on disk",
        "the manifest is kept in this process only",
        "copy-interrupted-by-engine-death-resumes",
        Edit(
            "migration.memory:Memory.freeze",
            "saved.save(manifest, temporary)",
            "saved.digest(manifest)\n    self._loaded = (digest, store.manifest(manifest))\n    temporary.touch()",
        ),
    ),
    sabotage(
        "the frozen manifest is never frozen",
        "the manifest is taken again whenever the engine starts: what changed meanwhile is the new truth",
        "writer-not-stopped",
        Edit(
            "migration.copies:frozen",
            "manifest = site.memory.frozen()",
            "manifest = store.listing(site.original, site.settings.store)\n    site.memory.frozen()",
        ),
    ),
    sabotage(
        "commit too early",
        "the point of no return is passed before the sync is done",
        "failed-sync-peer-dies-original-serves-again",
        Edit("migration.plan:staged", 'Commit(("staged", "restored")),', ""),
        Edit("migration.plan:staged", "WaitForSync(),", 'Commit(("staged", "restored")),\n        WaitForSync(),'),
    ),
    sabotage(
        "commit before restoring",
        "the commit point is passed with nothing on the device, and its own proof is skipped",
        "staged-copy-corrupted-after-it-was-verified",
        Edit("migration.plan:staged", 'Commit(("staged", "restored")),', ""),
        Edit("migration.plan:staged", "RestoreStore(),", 'Commit(("staged", "restored")),\n        RestoreStore(),'),
        Edit("migration.steps.handover:Commit.apply", "for name in self._copies:", "for name in ():"),
    ),
    sabotage(
        "never commit",
        "the commit point is missing from the plan: the move can be taken back when users have written",
        "reverse-of-a-move-that-stopped-after-its-commit",
        Edit("migration.steps.handover:Commit.inspect", "site.memory.committed", "site.memory.fact('x', True)"),
    ),
    sabotage(
        "take back after the commit",
        "a rollback that is asked for past the commit point puts the old store back, without what was written since",
        "reverse-keeps-what-was-written-and-deleted-since",
        Edit("migration.run:Migration._rollback", "if memory.moved:", "if False:"),
    ),
    sabotage(
        "roll back by itself after the commit",
        "a failure past the commit point is answered as one before it",
        "failure-past-the-commit-point-halts",
        Edit("migration.engine:Engine._give_up", "if self.site.memory.committed:", "if False:"),
    ),
    sabotage(
        "the end is not noted",
        "a completed move begins again",
        "run-again-after-success-changes-nothing",
        Edit("migration.engine:Engine._finish", "if not memory.completed:", "if False:"),
    ),
    sabotage(
        "the rollback is not noted",
        "a move that was taken back cannot begin again",
        "rolled-back-move-can-begin-again",
        Edit("migration.rollback:Rollback.run", "memory.note_taken_back()", "pass"),
    ),
    sabotage(
        "drop an fsync",
        "a record of the journal is not flushed before what it announces",
        "copy-interrupted-by-engine-death-resumes",
        Edit("migration.journal:Journal.append", "os.fsync(self._file)", "pass"),
    ),
)
