"""Three answers to the same call: of real hosts now, of real hosts when it was recorded, of the fakes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tests.conformance.play import Answer
from tests.conformance.recording import Call

OPEN = "OPEN"

# What kind of command a line of a recording is: the first pattern that is found in it.
_KINDS = (
    ("discard", r"--discard-my-data|--clear-bitmap|\binvalidate(-remote)?\b|\boutdate\b"),
    ("destroy", r"\bwipe-md\b|wipefs -a|\bdd if="),
    ("create", r"\bcreate-md\b|\bmkfs\.|\bmkswap\b"),
    ("promote", r"\bdrbd(adm|setup)( \S+)*? primary\b"),
    ("demote", r"\bdrbd(adm|setup)( \S+)*? (secondary|down)\b"),
    ("connect", r"\bdrbd(adm|setup)( \S+)*? (connect|disconnect|up|attach|detach|adjust|new-current-uuid|resize)\b"),
    (
        "look",
        r"^(cat|grep|ls|lsblk|blkid|findmnt|blockdev|sha256sum|modinfo)\b|wipefs -n|--version"
        r"|\b(role|cstate|dstate|status|get-gi|show-gi|dump-md|sh-[a-z-]+|read-dev-uuid|dump)\b",
    ),
)
OTHER = "other"  # mounting, modules, pausing, verifying, words that do not exist
STRICT = ("create", "destroy", "promote", "demote", "connect", "discard")  # where nothing may differ
KINDS = (*STRICT, "look", OTHER)


def kind_of(command: str) -> str:
    """What the command is about."""
    return next((kind for kind, pattern in _KINDS if re.search(pattern, command)), OTHER)


@dataclass(frozen=True)
class Comparison:
    """One call of a recording."""

    part: str
    call: Call
    real: Answer
    recorded: Answer
    fake: Answer

    @property
    def kind(self) -> str:
        return kind_of(self.call.command)

    @property
    def fake_agrees(self) -> bool:
        """The fakes say what real hosts say now."""
        return self.fake == self.real

    @property
    def recording_agrees(self) -> bool:
        """Real hosts still say what they said."""
        return self.real == self.recorded

    def told(self) -> str:
        """The call and what answers differ."""
        said = {"real": self.real, "recorded": self.recorded, "fake": self.fake}
        if self.recording_agrees:
            del said["recorded"]
        lines = [f"{name:>9}: {answer}" for name, answer in said.items()]
        return "\n".join([f"{self.part} line {self.call.line}: [{self.call.host}]# {self.call.command}", *lines])


@dataclass(frozen=True)
class Reason:
    """Why answers to some calls differ, and stay so."""

    recording: str  # a pattern of the part's name
    command: str  # a pattern of the whole line
    why: str


# Each stands in fakes/README.drbd.md too.
REASONS = (
    Reason(
        "transcripts-1", r"lsblk -J .*", "the machines of today have a larger root disk and one that furnishes them"
    ),
    Reason("transcripts-1", r"cat /proc/modules .*", "modules of another build have another size in memory"),
    Reason("devices-and-refusals-1", r"modprobe .*nosuch", "the message names the kernel's own version"),
    Reason("devices-and-refusals-1", r"cat /proc/swaps", "Linux 7 counts the priorities of swap down from -1, not -2"),
    Reason(
        "taken-apart-1|transcripts-2",
        r"cat /proc/drbd",
        "whether a block has gone over when the synchronisation is paused at once is a matter of speed",
    ),
)


def reason_for(line: Comparison) -> str | None:
    """Why the answers differ, if somebody knows."""
    for reason in REASONS:
        if re.fullmatch(reason.recording, line.part) and re.fullmatch(reason.command, line.call.command):
            return reason.why
    return None


def differing(lines: Iterable[Comparison]) -> list[Comparison]:
    """Those of which not all three answers are the same."""
    return [line for line in lines if not (line.fake_agrees and line.recording_agrees)]


def table(lines: Iterable[Comparison]) -> str:
    """Calls, those that agree and their share, for each kind of command."""
    asked = list(lines)
    rows = [("kind", "calls", "fake = real", "share", "real = recorded")]
    for kind in (*KINDS, "all"):
        own = [line for line in asked if kind in (line.kind, "all")]
        agree, same = sum(line.fake_agrees for line in own), sum(line.recording_agrees for line in own)
        rows.append((kind, str(len(own)), str(agree), f"{100 * agree / len(own):.1f} %" if own else "-", str(same)))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if at == 0 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )


def holds(lines: Iterable[Comparison]) -> bool:
    """98 % of all calls agree, and all of those that create, destroy, promote, demote, connect or discard."""
    asked = list(lines)
    strict = all(line.fake_agrees for line in asked if line.kind in STRICT)
    return strict and 100 * sum(line.fake_agrees for line in asked) >= 98 * len(asked)
