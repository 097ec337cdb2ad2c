"""Orders that are not heard, and controllers that do not know that they have been replaced."""

from __future__ import annotations

from tests.broken.patching import Become, Edit, sabotage

_ATTEND = "migration.attention:AttentiveClock.attend"
_PAUSED = "paused-in-the-copy-goes-on-where-it-stood"

SABOTAGES = (
    sabotage(
        "deaf to a pause",
        "a pause is never heard",
        _PAUSED,
        Edit(_ATTEND, "if orders.paused and not orders.abort:", "if False:"),
    ),
    sabotage(
        "pause the engine alone",
        "the job goes on while the engine stands still",
        _PAUSED,
        Edit("migration.standstill:JobStandstill.hold", "if not self._on:", "if False:"),
    ),
    sabotage(
        "leave the job standing",
        "after a pause the engine goes on and its job does not",
        _PAUSED,
        Edit(
            "migration.standstill:JobStandstill.go_on",
            "self._host.continue_job(self._job_id)",
            "pass",
        ),
    ),
    sabotage(
        "count the pause",
        "the watchdog takes a pause for a stall",
        "paused-while-it-hashes-is-no-stall",
        Edit("migration.attention:AttentiveClock.now", " - self._held_s", ""),
    ),
    sabotage(
        "deaf to an abort",
        "an abort is never heard",
        "aborted-in-the-copy-is-taken-back",
        Edit(_ATTEND, "if orders.abort:", "if False:"),
    ),
    sabotage(
        "abort past the commit point takes back",
        "an abort is a rollback wherever the run is",
        "aborted-past-the-commit-point-halts",
        Edit("migration.engine:Engine._end", "if not self.site.memory.committed:", "if True:"),
    ),
    sabotage(
        "abort for ever",
        "an abort that was obeyed stands, and ends the next start too",
        "aborted-past-the-commit-point-halts",
        Edit("migration.engine:Engine._end", "replace(orders, abort=False)", "orders"),
    ),
    sabotage(
        "ask no hook",
        "a hook's veto is not heard",
        "hook-vetoes-a-step",
        Edit("migration.engine:Engine._act", "raise StepFailed(step, str(veto)) from veto", "pass"),
    ),
    sabotage(
        "mirror nothing",
        "what the run remembers is on its controller alone",
        "controller-lost-in-the-copy-is-adopted",
        Become("migration.mirror:Mirror.flush", None),
    ),
    sabotage(
        "mirror the first records only",
        "the mirror is never brought up to date",
        "controller-lost-past-the-commit-point-is-adopted",
        Edit(
            "migration.mirror:Mirror.flush", "self._held.get(host.name) != len(text)", "not self._held.get(host.name)"
        ),
    ),
    sabotage(
        "adopt under the old name",
        "the first controller may claim again what was taken over, and its engine is not told",
        "first-controller-is-started-again-after-an-adoption",
        Edit(
            "migration.mirror:Mirror.require_newest", "if not text.startswith(whole) and _is_sound(whole):", "if False:"
        ),
    ),
    sabotage(
        "adopt without claiming",
        "the adopting controller does not raise the epochs, so the first one goes on",
        "first-engine-wakes-up-after-an-adoption",
        Edit("migration.run:Migration._take_over", "engine.claim(without_absent=True)", "pass"),
        Edit("migration.run:Migration._take_over", "engine.mirror.flush()", "pass"),
    ),
)
