"""Hooks: the operator's own programs, run on the controller before and after each step.

A program before a step may veto it by any exit status but 0; then the step fails as any step does. One after a step is
told what is done and changes nothing any more. Taking back runs no hooks: nothing may keep the service from coming
back.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from harness.errors import HostError, InvalidInput, StepBlocked
from harness.hosts.command import Command, Result
from harness.hosts.host import Host
from harness.hosts.local import LocalConnection
from harness.migration.site import Site
from harness.migration.step import Step

EVERY = "every-step"
_KILL_AFTER_S = 5
_PATIENCE_S = 30.0
_TIMED_OUT = 124  # as coreutils' timeout says it


class Hooks:
    """The hooks of one run."""

    def __init__(self, site: Site[Host], plan: Iterable[Step]) -> None:
        self._site = site
        self._wanted = site.settings.hooks
        names = [step.name for step in plan]
        for step in (*self._wanted.before, *self._wanted.after):
            if step not in (*names, EVERY):
                raise InvalidInput(
                    f"{site.inventory.source}: a hook names the step {step!r}, which the strategy "
                    f"{site.settings.strategy} has not; write {EVERY} or one of {', '.join(names)}"
                )

    def before(self, step: Step, why: str) -> None:
        """Ask whether the step may act.

        Raises:
            StepBlocked: a hook says no, did not end in time, or cannot be run.
        """
        for argv in _of(self._wanted.before, step):
            if refusal := self._run(argv, step, "before", why):
                raise StepBlocked(f"vetoed by the hook {argv[0]}: {refusal}")

    def after(self, step: Step) -> list[str]:
        """Tell that the step is done; what went wrong with the telling, for people to read."""
        said = [(argv, self._run(argv, step, "after", "")) for argv in _of(self._wanted.after, step)]
        return [
            f"the hook {argv[0]} after it failed, which changes nothing: {failure}" for argv, failure in said if failure
        ]

    def _run(self, argv: list[str], step: Step, moment: str, why: str) -> str:
        """What is wrong, empty when nothing is."""
        bound = self._wanted.timeout_s
        bounded = ("timeout", "-k", str(_KILL_AFTER_S), f"{bound:g}", *argv)
        command = Command(bounded, stdin=self._told(step, moment, why), timeout_s=bound + _KILL_AFTER_S + _PATIENCE_S)
        transport = LocalConnection().open("controller")
        try:
            answer = transport.send(command)
        except HostError as error:
            return str(error)
        finally:
            transport.close()
        assert isinstance(answer, Result)
        if answer.exit_status == _TIMED_OUT:
            return f"it did not end within {bound:g} s"
        return "" if answer.ok else f"status {answer.exit_status}: {_last_words(answer)}"

    def _told(self, step: Step, moment: str, why: str) -> bytes:
        """What a hook reads: names and states, no address, no key, no password."""
        memory, site = self._site.memory, self._site
        told = {
            "run": memory.run_id,
            "moment": moment,
            "step": step.name,
            "summary": step.summary,
            "why": why,
            "strategy": site.settings.strategy,
            "window_open": memory.window_open,
            "committed": memory.committed,
            "hosts": {"original": site.original.name, "additional": site.additional.name, "clc": site.clc.name},
        }
        return json.dumps(told, sort_keys=True).encode() + b"\n"


def _of(hooks: dict[str, list[str]], step: Step) -> Iterable[list[str]]:
    return [hooks[name] for name in (EVERY, step.name) if name in hooks]


def _last_words(answer: Result) -> str:
    said = (answer.stderr.strip() or answer.stdout.strip()).decode("utf-8", "backslashreplace")
    return said.splitlines()[-1] if said else "no output"
