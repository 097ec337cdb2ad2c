"""Every recorded call, replayed on the fakes in the same order, is answered as real DRBD answered it.

Time between calls is not recorded: a look at a resync that differs is repeated later, as somebody who waits would.
"""

from __future__ import annotations

from collections import Counter

import pytest

from fakes.program import Reply, UnsupportedInvocation
from tests.conformance.recording import Call, Part, Plain, parts
from tests.conformance.stage import Stage

_LOOKS = ("cat /proc/drbd", "drbdadm cstate", "drbdadm dstate", "drbdadm status")
_PATIENCE_S, _STEP_S = 30.0, 0.25


class Player:
    """Plays one part and compares."""

    def __init__(self, configuration: str, size: str) -> None:
        self._stage = Stage(configuration, int(size.removesuffix("M")))
        self._real, self._fake = Plain(), Plain()

    def play(self, call: Call) -> str | None:
        """None when the answers agree, otherwise both."""
        expected = (self._real(call.stdout), self._real(call.stderr), call.exit_status)
        waited_s, found = 0.0, self._answer(call)
        while found != expected and call.command.startswith(_LOOKS) and waited_s < _PATIENCE_S:
            self._stage.world.advance(_STEP_S)
            waited_s += _STEP_S
            found = self._answer(call)
        if found == expected:
            return None
        return f"line {call.line}: [{call.host}]# {call.command}\n  real: {expected}\n  fake: {found}"

    def _answer(self, call: Call) -> tuple[str, str, int]:
        try:
            reply = self._stage.run(call.host, call.command)
        except UnsupportedInvocation as unknown:
            reply = Reply(70, b"", f"not modelled: {unknown}".encode())
        lines = reply.stdout.decode().splitlines(), reply.stderr.decode().splitlines()
        return self._fake(lines[0]), self._fake(lines[1]), reply.exit_status

    def lab(self, words: str) -> None:
        self._stage.lab(words)


@pytest.mark.parametrize("part", parts(), ids=lambda part: part.name)
def test_every_recorded_call_is_answered_as_real_drbd_answered_it(part: Part, agreement: Counter[str]) -> None:
    _, configuration, size = part.calls[0].command.split()
    player = Player(configuration, size)
    differences = []
    for call in part.calls[1:]:
        if call.host == "lab":
            player.lab(call.command)
            continue
        difference = player.play(call)
        agreement.update(played=1, agree=difference is None)
        differences += [difference] if difference else []
    assert not differences, "\n\n".join(differences)
