"""The marks count what they say: every call has a kind, what differs costs, recordings are written as they are read."""

from __future__ import annotations

import pytest

from fakes.program import Reply
from tests.conformance.compare import STRICT, Comparison, differing, holds, kind_of, table
from tests.conformance.play import Answer
from tests.conformance.recording import GOLDEN, LAB, Call, parts, written

_YES: Answer = ("yes", "", 0)
_NO: Answer = ("no", "", 1)


def _lines(command: str, agreeing: int, differing: int) -> list[Comparison]:
    call = Call("walrus00", command, 1)
    one, other = (Comparison("x-1", call, _YES, _YES, fake) for fake in (_YES, _NO))
    return [one] * agreeing + [other] * differing


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        ("drbdadm create-md --force r0", "create"),
        ("mkfs.ext4 -q /dev/drbd1", "create"),
        ("drbdadm -- --force wipe-md r0", "destroy"),
        ("wipefs -a /dev/ubdb", "destroy"),
        ("wipefs -n /dev/ubdb", "look"),
        ("drbdadm primary --force r0", "promote"),
        ("drbdadm -- --overwrite-data-of-peer primary r0", "promote"),
        ("drbdadm secondary r0", "demote"),
        ("drbdadm down all", "demote"),
        ("drbdadm up r0", "connect"),
        ("drbdadm disconnect r0", "connect"),
        ("drbdadm connect --discard-my-data r0", "discard"),
        ("drbdadm -- --clear-bitmap new-current-uuid r0", "discard"),
        ("drbdadm invalidate-remote r0", "discard"),
        ("cat /proc/drbd", "look"),
        ("drbdadm role r0", "look"),
        ("drbdsetup role 1", "look"),
        ("setpriv --reuid=498 --regid=498 --clear-groups mount /dev/drbd1", "other"),
        ("drbdadm verify r0", "other"),
    ],
)
def test_a_call_is_of_one_kind(command: str, kind: str) -> None:
    assert kind_of(command) == kind


def test_every_kind_that_must_agree_wholly_is_recorded_often() -> None:
    kinds = [kind_of(call.command) for part in parts() for call in part.calls if call.host != LAB]
    assert len(kinds) > 1000
    assert all(kinds.count(kind) >= 25 for kind in STRICT), {kind: kinds.count(kind) for kind in STRICT}


def test_two_of_a_hundred_looks_may_differ_and_no_promotion() -> None:
    assert holds(_lines("cat /proc/drbd", 98, 2))
    assert not holds(_lines("cat /proc/drbd", 97, 3))
    assert not holds([*_lines("cat /proc/drbd", 1000, 0), *_lines("drbdadm primary r0", 0, 1)])


def test_the_table_shows_the_share() -> None:
    shown = table(_lines("drbdadm primary r0", 3, 1))
    assert [line.split() for line in shown.splitlines() if line.startswith("promote")] == [
        ["promote", "4", "3", "75.0", "%", "4"]
    ]


def test_a_difference_is_told_with_its_line() -> None:
    (told,) = [line.told() for line in differing(_lines("drbdadm primary r0", 3, 1))]
    assert "x-1 line 1: [walrus00]# drbdadm primary r0" in told
    assert "recorded" not in told, "real hosts say what they said"


@pytest.mark.parametrize("name", sorted(path.stem for path in GOLDEN.glob("*.txt")))
def test_a_recording_written_with_its_own_answers_is_the_same(name: str) -> None:
    text = (GOLDEN / f"{name}.txt").read_text()
    calls = [call for part in parts(name) for call in part.calls if call.host != LAB]
    assert written(text, {call.line: _reply(call) for call in calls}) == text


def _reply(call: Call) -> Reply:
    stdout, stderr = ("".join(f"{line}\n" for line in lines).encode() for lines in (call.stdout, call.stderr))
    return Reply(call.exit_status, stdout, stderr)
