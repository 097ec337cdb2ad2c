"""A call that no fake models leaves its trial inconclusive, also where the rest of the story is known."""

from __future__ import annotations

import pytest

from fakes.machine import Machine
from fakes.program import Reply, Slow, UnsupportedInvocation
from fakes.programs import cloud
from fakes.world import HostRow
from harness.trials.sweep.points import Point
from harness.trials.sweep.slices import Spec, run_slice, small_start, survey


def test_a_registration_that_is_not_modelled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second of two cuts comes to a state that the first passed; both made the cloud type it before."""
    genuine = cloud._sync_keys

    def unmodelled(machine: Machine, target: HostRow, registered: Reply) -> Slow:
        with machine.world() as world:
            if not world.linked(machine.name, target.name):
                raise UnsupportedInvocation("registering a host without power")
        return genuine(machine, target, registered)

    monkeypatch.setattr(cloud, "_sync_keys", unmodelled)
    spec = Spec(small_start())
    found = survey(spec)
    (registers,) = [beat.number for beat in found.beats if "--register-walrus" in beat.what]
    cuts = [Point(number, "cut_additional", "not_sent") for number in (registers - 1, registers)]
    told = [trial.told for trial in run_slice(spec, found, found.known.copy(), cuts).trials]
    assert told[1].outcomes == (), "it ended where the rest was known"
    for each in told:
        assert [said.rpartition(": ")[2] for said in each.unknown] == ["registering a host without power"]
