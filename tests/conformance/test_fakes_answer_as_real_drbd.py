"""Every recorded call, replayed on the fakes in the same order, is answered as real DRBD answered it."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.conformance.compare import Comparison, reason_for
from tests.conformance.play import play, recorded
from tests.conformance.recording import Part, parts
from tests.conformance.stage import Stage


@pytest.mark.parametrize("part", parts(), ids=lambda part: part.name)
def test_every_recorded_call_is_answered_as_real_drbd_answered_it(part: Part, agreement: Counter[str]) -> None:
    expected = recorded(part.calls)
    found = play(Stage(), part.calls, [[answer] for answer in expected])
    lines = [Comparison(part.name, *line) for line in zip(part.calls, expected, expected, found, strict=True)]
    asked = [line for line in lines if line.call.host != "lab"]
    agreement.update(played=len(asked), agree=sum(line.fake_agrees for line in asked))
    unexplained = [line.told() for line in asked if not line.fake_agrees and reason_for(line) is None]
    assert not unexplained, "\n\n".join(unexplained)
