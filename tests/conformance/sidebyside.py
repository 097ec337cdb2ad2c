"""One part of a recording, played on real hosts and then on the fakes."""

from __future__ import annotations

from tests.conformance.compare import Comparison
from tests.conformance.machines import Pair, RealStage
from tests.conformance.play import play, recorded
from tests.conformance.recording import LAB, Part
from tests.conformance.stage import Stage


def compared(machines: Pair, part: Part) -> list[Comparison]:
    """All three answers to each of its calls. A look may show what either of the real hosts showed."""
    before = recorded(part.calls)
    now = play(RealStage(machines), part.calls, [[answer] for answer in before])
    fake = play(Stage(), part.calls, [set(answers) for answers in zip(before, now, strict=True)])
    lines = [Comparison(part.name, *line) for line in zip(part.calls, now, before, fake, strict=True)]
    return [line for line in lines if line.call.host != LAB]
