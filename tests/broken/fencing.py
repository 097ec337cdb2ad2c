"""Fences, epochs, and hosts that are silent, lost or booted anew."""

from __future__ import annotations

from tests.broken.patching import Edit, sabotage

_RUN = "migration.engine:Engine.run"
_ATTEMPT = "hosts.host:Host.attempt"
_CLAIM = "migration.engine:Engine.claim"
_SEND = "answer = self.transport.send(command, self._allowed(command, proof))"

SABOTAGES = (
    sabotage(
        "ignore Indeterminate",
        "a reply that did not arrive is taken for success",
        "command-hangs-before-its-effect",
        Edit(
            _ATTEMPT,
            _SEND,
            "from harness.errors import Indeterminate\n    try:\n        "
            + _SEND
            + "\n    except Indeterminate:\n        return Result(0)",
        ),
    ),
    sabotage(
        "take a lost reply for failure",
        "a reply that did not arrive is taken for a failure, so a working move is given up",
        "reply-lost-at-primary",
        Edit(
            _ATTEMPT,
            _SEND,
            "from harness.errors import Indeterminate\n    try:\n        "
            + _SEND
            + "\n    except Indeterminate:\n        return Result(1)",
        ),
    ),
    sabotage(
        "ask twice when the reply is lost",
        "what may have happened is sent again without looking",
        "reply-lost-at-the-rename",
        Edit(
            _ATTEMPT,
            _SEND,
            "from harness.errors import Indeterminate\n    try:\n        "
            + _SEND
            + "\n    except Indeterminate:\n        "
            + _SEND,
        ),
    ),
    sabotage(
        "ignore Rebooted",
        "a host that rebooted unseen ends the run",
        "host-that-reboots-unseen",
        Edit(
            _RUN, "except Rebooted as trouble:", "except Rebooted as trouble:\n            raise Stopped(str(trouble))"
        ),
    ),
    sabotage(
        "act blindly",
        "a command that failed counts as done, and nobody looks again",
        "failure-past-the-commit-point-halts",
        Edit("migration.engine:Engine._act", "after = self.look(step)", "after = Satisfied()"),
        Edit("hosts.host:Host.run", "if not result.ok:", "if False:"),
        Edit("migration.jobs:succeed", "if not result.ok:", "if False:"),
        Edit("systems.services:set_starts_at_boot", "elif not result.ok:", "elif False:"),
        Edit(
            "migration.steps.filesystem:MakeFilesystem.apply",
            "if found is None or found.type != site.settings.filesystem:",
            "if False:",
        ),
    ),
    sabotage(
        "no claim",
        "the hosts are changed under the fence of a run that never asked for them",
        "success-with-full-sync",
        Edit(_CLAIM, "host.claim(Fence(epoch, run_id), former)", "host.fence = Fence(epoch - 1, run_id)"),
    ),
    sabotage(
        "release too early",
        "the hosts are given back as soon as they are claimed",
        "success-with-full-sync",
        Edit(
            _RUN,
            "self._walk_or_learn_of_reboot()",
            "[host.release() for host in self.site.hosts]\n            self._walk_or_learn_of_reboot()",
        ),
    ),
    sabotage(
        "wrong epoch",
        "the epoch is not raised above the one that was granted",
        "success-with-full-sync",
        Edit(_CLAIM, "for _, holder in held)]) + 1", "for _, holder in held)])"),
    ),
    sabotage(
        "never release",
        "the hosts stay claimed when the move is completed",
        "run-again-after-success-changes-nothing",
        Edit(
            "migration.engine:Engine._finish",
            'memory.note("completed")\n    self.release()',
            'memory.note("completed")',
        ),
    ),
    sabotage(
        "never release after a rollback",
        "the hosts stay claimed by a move that was taken back",
        ("mkfs-fails-rolls-back", "rolled-back-move-can-begin-again"),
        Edit("migration.rollback:Rollback._release", "host.release()", "pass"),
    ),
    sabotage(
        "do not wait for a host",
        "a host that does not answer ends the run at once",
        "copy-interrupted-by-power-cut",
        Edit("migration.engine:Engine._wait_for", "bound = ", "bound = 0.0 * "),
    ),
    sabotage(
        "wait for a host for ever",
        "the original does not serve while the additional host is waited for",
        "failed-sync-peer-dies-original-serves-again",
        Edit("migration.engine:Engine._wait_for", "bound = ", "bound = 1e9 * "),
        Edit("migration.steps.sync:WaitForSync.apply", "elif clock.now() - moved_at > stall:", "elif False:"),
        Edit("migration.steps.sync:WaitForSync.apply", "elif clock.now() - attached_at > _DISK_GONE_S:", "elif False:"),
    ),
    sabotage(
        "the additional host's death is everybody's",
        "with the additional host away nothing is taken back on the original",
        "failed-sync-peer-dies-original-serves-again",
        Edit(
            "migration.rollback:Rollback._take_back",
            "except Unreachable as trouble:",
            "except ZeroDivisionError as trouble:",
        ),
    ),
    sabotage(
        "give up after one start",
        "host trouble may send the engine back to the first step only once",
        "copy-interrupted-by-power-cut",
        Edit(_RUN, "range(_WALKS)", "range(1)"),
    ),
    sabotage(
        "go on where it was",
        "after a host was away the walk does not begin with the first step",
        "configuring-again-after-an-interruption-wipes-the-store.engine",
        Edit(
            "migration.engine:Engine._walk",
            "if step not in self.asked():",
            "if step not in self.asked() or self.site.memory.done(step.name):",
        ),
    ),
)
