"""Recorded calls played on a stage, of fakes or of real hosts, and the answers in a form that can be compared."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from fakes.program import Reply, UnsupportedInvocation
from tests.conformance.recording import LAB, Call, Plain

NOT_MODELLED = 70
_UNDER_WAY = re.compile(r"\b(Sync(Source|Target)|Verify[ST])\b")  # what ends by itself
_UNTIL_DONE_S = 60.0
_LOOKS = ("cat /proc/drbd", "drbdadm cstate", "drbdadm dstate", "drbdadm status", "drbdadm role")


class Stage(Protocol):
    """Where calls are answered."""

    step_s: float  # between two looks
    patience_s: float  # for a look to show what it should

    def lab(self, words: str) -> None:
        """Do what a [lab] line says."""
        ...

    def wait(self, seconds: float) -> None: ...

    def run(self, host: str, line: str) -> Reply: ...


Answer = tuple[str, str, int]  # standard output and error without what varies, and the exit status
NOTHING: Answer = ("", "", 0)  # what a [lab] line answers


def recorded(calls: list[Call]) -> list[Answer]:
    """What the recording says, one answer a call."""
    plain = Plain()
    return [(plain(call.stdout), plain(call.stderr), call.exit_status) for call in calls]


def play(
    stage: Stage,
    calls: list[Call],
    expected: Sequence[Collection[Answer]],
    hear: Callable[[Call, Reply], None] = lambda call, reply: None,
) -> list[Answer]:
    """Give the stage one part call by call; the answers, one a call. ``hear`` is told each word for word.

    Time between calls is not recorded: a look at something under way that shows none of what is expected is repeated,
    as somebody who waits would.
    """
    plain, answers = Plain(), []
    for call, wanted in zip(calls, expected, strict=True):
        if call.host == LAB:
            stage.lab(call.command)
            answers.append(NOTHING)
            continue
        reply = _ask(stage, call)
        answer, waited_s = _answer(plain, reply), 0.0
        looks = bool(wanted) and call.command.startswith(_LOOKS)
        while looks and answer not in wanted and waited_s < _patience_s(stage, answer):
            stage.wait(stage.step_s)
            waited_s += stage.step_s
            reply = _ask(stage, call)
            answer = _answer(plain, reply)
        hear(call, reply)
        answers.append(answer)
    return answers


def _patience_s(stage: Stage, answer: Answer) -> float:
    return _UNTIL_DONE_S if _UNDER_WAY.search(answer[0]) else stage.patience_s


def _ask(stage: Stage, call: Call) -> Reply:
    try:
        return stage.run(call.host, call.command)
    except UnsupportedInvocation as unknown:
        return Reply(NOT_MODELLED, b"", f"not modelled: {unknown}".encode())


def _answer(plain: Plain, reply: Reply) -> Answer:
    return plain(reply.stdout.decode().splitlines()), plain(reply.stderr.decode().splitlines()), reply.exit_status
