"""Last words and exit statuses that do not say what is true."""

from __future__ import annotations

from tests.broken.patching import Become, Edit, Sabotage, sabotage

_TOLD = "migration.words:_ended"
_ROLLED_BACK = "mkfs-fails-rolls-back"
_REFUSED = "store-is-a-symlink"
_HALTED = "failure-past-the-commit-point-halts"
_UNKNOWN = "writer-not-stopped"
_ELSEWHERE = 'f"The store is at {site.additional.name}:{site.old_store}'


def _told(name: str, mistake: str, scenario: str, old: str, new: str) -> Sabotage:
    return sabotage(name, mistake, scenario, Edit(_TOLD, old, new))


SABOTAGES = (
    _told(
        "exit 0 when refused",
        "a refusal looks like a success",
        _REFUSED,
        'Outcome("refused", 3, message, refused.findings)',
        'Outcome("refused", 0, message, refused.findings)',
    ),
    _told(
        "exit 0 when rolled back",
        "a move that was taken back looks like a success",
        _ROLLED_BACK,
        "Outcome(word, 4,",
        "Outcome(word, 0,",
    ),
    _told(
        "exit 4 when a person must look",
        "a truth that is not known looks like a safe stop",
        _UNKNOWN,
        'Outcome("operator_needed", 5,',
        'Outcome("operator_needed", 4,',
    ),
    _told(
        "exit 0 when halted",
        "a run that halted looks like a success",
        _HALTED,
        'Outcome("stopped", 4,',
        'Outcome("stopped", 0,',
    ),
    _told(
        "call halted completed",
        "a run that halted says that it is completed",
        _HALTED,
        'Outcome("stopped", 4,',
        'Outcome("completed", 0,',
    ),
    _told(
        "call rolled back stopped",
        "a move that was taken back is said to be under way",
        _ROLLED_BACK,
        'word = "rolled_back" if',
        'word = "stopped" if',
    ),
    _told("say nothing at all", "the run ends without a word", _ROLLED_BACK, "rolled_back(site, ended))", "'')"),
    _told(
        "no next command when refused",
        "nobody says what to type after a refusal",
        _REFUSED,
        ", then run `{refused.again}` again.",
        ".",
    ),
    sabotage(
        "findings kept back",
        "the refusal does not name its findings",
        _REFUSED,
        Edit(_TOLD, "message, refused.findings)", "message)"),
    ),
    sabotage(
        "no safe copy when halted",
        "the last words do not say where the data is",
        _HALTED,
        Become("migration.words:safe_copies", "Your data is safe."),
    ),
    sabotage(
        "no next command when halted",
        "nobody says what to type next",
        _HALTED,
        Become("migration.words:next_command", "Good luck."),
    ),
    sabotage(
        "no safe copy when a person must look",
        "the last words do not say where the data is",
        _UNKNOWN,
        Become("migration.words:safe_copies", "Your data is safe."),
    ),
    sabotage(
        "point to the wrong host",
        "the copies are said to be on the host that has none",
        _HALTED,
        Edit("migration.words:safe_copies", "site.original.name", "site.clc.name"),
    ),
    sabotage(
        "no word of the store after a rollback",
        "nobody says where the store is now",
        _ROLLED_BACK,
        Become("migration.words:_store_after", "All is well."),
    ),
    sabotage(
        "the store is elsewhere after a rollback",
        "the store is said to be still set aside",
        _ROLLED_BACK,
        Edit(
            "migration.words:_store_after",
            'f"The store is back at {place}',
            _ELSEWHERE,
        ),
        Edit(
            "migration.words:_store_after",
            'f"The store at {place} was never moved',
            _ELSEWHERE,
        ),
    ),
    sabotage(
        "no command after a rollback",
        "nobody says how to begin again",
        _ROLLED_BACK,
        Edit("migration.words:rolled_back", ", then: walrus-ha migrate -i INVENTORY", ""),
    ),
    sabotage(
        "call a failure a success",
        "a step that failed ends the run as completed",
        _ROLLED_BACK,
        Edit("migration.engine:Engine.run", "self._give_up(failure)", "return"),
    ),
    sabotage(
        "a run after success begins again",
        "a completed move is walked again as if it were not",
        "run-again-after-success-changes-nothing",
        Edit("migration.run:Migration._migrate", "if memory.completed:", "if False:"),
    ),
    sabotage(
        "a run after success fails",
        "a completed move that is as it was left is said to have changed",
        "run-again-after-success-changes-nothing",
        Edit("migration.run:Migration._already_done", "if pending is None:", "if False:"),
        Edit(
            "migration.run:Migration._already_done",
            "step, state =",
            "return Outcome('stopped', 1, '')\n    step, state =",
        ),
    ),
    sabotage(
        "exit 1 when asked-for rollback worked",
        "a rollback that went well looks like a failure",
        "rollback-before-commit-restores-the-hosts",
        Edit(
            "migration.run:Migration._rollback",
            'Outcome("rolled_back", 0, words.r',
            'Outcome("rolled_back", 1, words.r',
        ),
    ),
    sabotage(
        "send what was not planned",
        "what is sent depends on the name of the run, which nobody saw in the plan",
        "plan-says-what-the-move-does",
        Edit(
            "migration.steps.stage:StageStore.apply",
            "self.place(site), 0o700)",
            "site.staged_copy, 0o711 if site.memory.run_id == 'trial' else 0o700)",
        ),
    ),
    sabotage(
        "write what was not planned",
        "a file has the planned name and length and other content",
        "plan-says-what-the-move-does",
        Edit(
            "migration.steps.configure:ConfigureDrbd._change",
            "change.wanted.encode(",
            "change.wanted.replace('Written', 'writteN' if site.memory.run_id == 'trial' else 'Written').encode(",
        ),
    ),
    sabotage(
        "leave a step out of the plan",
        "the plan is made by an engine that takes another way than the one that moves",
        "plan-says-what-the-move-does",
        Edit(
            "trials.foretelling:_Recorder.note",
            "effect, text =",
            "if 'chown' in str(request):\n        return\n    effect, text =",
        ),
    ),
)
