"""A mistake of the engine that no run without faults shows is found where it hurts, and names the invariant."""

from __future__ import annotations

import pytest

from harness.errors import Indeterminate
from harness.hosts.command import Command, Result
from harness.hosts.host import Host, Reader
from harness.hosts.proof import Proof
from harness.migration.site import Site
from harness.migration.step import Pending, Satisfied, StepState
from harness.migration.steps.aside import SetStoreAside
from harness.systems import files
from harness.trials.sweep.points import Point
from harness.trials.sweep.slices import Spec, plan_of, run_slice, small_start, survey


def _broken(spec: Spec, points: list[Point]) -> dict[str, tuple[str, ...]]:
    found = survey(spec)
    share = run_slice(spec, found, found.known.copy(), points)
    return {str(trial.points[0]): trial.told.broken for trial in share.trials if trial.told.broken}


def _commands(what: str) -> list[int]:
    return [beat.number for beat in plan_of(Spec(small_start())).survey.beats if what in beat.what]


def test_an_owner_that_nobody_looks_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mount point is there, so the step is satisfied, although it was made and not yet given to its owner."""

    def careless(self: SetStoreAside, site: Site[Reader]) -> StepState:
        there = all(files.stat(site.original, path) for path in (site.old_store, site.settings.store))
        return Satisfied() if there else Pending("not aside")

    monkeypatch.setattr(SetStoreAside, "inspect", careless)
    (made,) = [number for number in _commands("mkdir -p -m 0700") if number > 250]
    near = range(made - 4, made + 5)  # the careless look asks fewer questions, so the number moves
    broken = _broken(Spec(small_start()), [Point(number, "lose_reply", "done") for number in near])
    assert any("I10" in said for lines in broken.values() for said in lines)


def test_a_lost_reply_that_is_taken_for_success(monkeypatch: pytest.MonkeyPatch) -> None:
    genuine = Host.attempt

    def careless(self: Host, command: Command, proof: Proof | None = None) -> Result:
        try:
            return genuine(self, command, proof)
        except Indeterminate:
            return Result(0)

    monkeypatch.setattr(Host, "attempt", careless)
    broken = _broken(Spec(small_start()), [Point(number, "hang", "sent") for number in _commands("mv -T -- ")])
    assert broken
