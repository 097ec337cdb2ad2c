"""Recordings of real programs: read, and brought into a form in which only what matters is compared."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fakes.program import Reply

GOLDEN = Path(__file__).parents[1] / "golden" / "drbd-8.4"
LAB = "lab"  # the host of what is done to the machines
_CALL = re.compile(r"\[(\w+)\]# (.*)")


@dataclass
class Call:
    """One line of a recording: a command on a host and its answer, or with the host ``lab`` something done to it."""

    host: str
    command: str
    line: int
    stdout: list[str] = field(default_factory=list)
    stderr: list[str] = field(default_factory=list)
    exit_status: int = 0


@dataclass
class Part:
    """What was recorded from one fresh start on."""

    name: str
    calls: list[Call]


def parts(recording: str = "*") -> list[Part]:
    """All parts of one recording, or of all."""
    found = []
    for path in sorted(GOLDEN.glob(f"{recording}.txt")):
        calls = _calls(path.read_text())
        starts = [number for number, call in enumerate(calls) if call.command.startswith("fresh ")]
        for number, (start, end) in enumerate(zip(starts, [*starts[1:], len(calls)], strict=True), 1):
            found.append(Part(f"{path.stem}-{number}", calls[start:end]))
    return found


def _calls(text: str) -> list[Call]:
    calls: list[Call] = []
    for number, line in enumerate(text.splitlines(), 1):
        if match := _CALL.fullmatch(line):
            calls.append(Call(match[1], match[2], number))
        elif line.startswith("out| "):
            calls[-1].stdout.append(line[5:])
        elif line.startswith("err| "):
            calls[-1].stderr.append(line[5:])
        elif line.startswith("rc = "):
            calls[-1].exit_status = int(line[5:])
        elif line and not line.startswith("#"):
            raise ValueError(f"line {number} of a recording: {line!r}")
    return calls


def written(text: str, answers: Mapping[int, Reply]) -> str:
    """A recording with these answers, each under the line whose number it has, in place of those it held."""
    lines: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.startswith(("out| ", "err| ", "rc = ")):
            lines.append(line)
        if reply := answers.get(number):
            lines += [f"out| {said}" for said in reply.stdout.decode().splitlines()]
            lines += [f"err| {said}" for said in reply.stderr.decode().splitlines()]
            lines.append(f"rc = {reply.exit_status}")
    return "\n".join([*lines, ""])


class Plain:
    """Answers without what differs from run to run.

    Figures of speed and progress and dates become ``#``. What is out of sync stays as nothing, everything or some.
    Random numbers become letters in the order of their first appearance, so that equal ones stay equal and different
    ones different; the current generation keeps its mark of a Primary.
    """

    def __init__(self) -> None:
        self._letters: dict[str, str] = {}

    def __call__(self, lines: list[str]) -> str:
        text = "\n".join(lines)
        for pattern, replacement in _FIGURES:
            text = pattern.sub(replacement, text)
        text = _SHORT.sub(lambda found: found[0].rjust(16, "0"), text)
        text = _OUT_OF_SYNC.sub(self._amount, text)
        return _RANDOM.sub(self._letter, text)

    @staticmethod
    def _amount(found: re.Match[str]) -> str:
        kib = int(found[1])
        return f"oos:{kib if kib in (0, *_WHOLE_KIB) else 'some'}"

    def _letter(self, found: re.Match[str]) -> str:
        digits = found[0].replace("-", "").removeprefix("0x").upper()
        if len(digits) == 16 and int(digits, 16) < 16:
            return found[0]
        current = found.string[found.start() - 1 : found.start()] != ":" == found.string[found.end() : found.end() + 1]
        odd = current and int(digits[-1], 16) % 2
        key = digits[:-1] + f"{int(digits[-1], 16) & ~1:X}" if len(digits) == 16 else digits
        return f"<{self._letters.setdefault(key, str(len(self._letters)))}{' odd' if odd else ''}>"


_WHOLE_KIB = (307152, 614344, 102360)
_SHORT = re.compile(r'(?<=UUID=")[0-9a-f]{11,15}(?=" (?:VERSION|TYPE))|(?<=drbd )[0-9a-f]{11,15}(?= )')  # leading zeros
_OUT_OF_SYNC = re.compile(r"oos:(\d+)")
_RANDOM = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|(?<!md_offset )\b(?:0x)?[0-9a-fA-F]{16}\b")
_FIGURES = [
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"ns:\d+ nr:\d+ dw:\d+ dr:\d+ al:\d+ bm:\d+", "ns:# nr:# dw:# dr:# al:# bm:#"),
        (r"lo:\d+ pe:\d+ ua:\d+", "lo:# pe:# ua:#"),  # what is under way
        (r"\[=*>\.*\] (sync'ed|verified): *[\d.]+% \(\d+/(\d+)\)", r"[#] \1: #% (#/\2)"),
        (r"finish: [\d:]+ speed: [\d,]+ \([\d,]+\)", "finish: # speed: # (#)"),
        (r"want: [\d,]+", "want: #"),
        (r"done:[\d.]+", "done:#"),
        (r"# \d{4}-\d\d-\d\d [\d:]+ \+0000 \[\d+\]", "# DATE"),
        (r"copied, [\d.e-]+ s, [\d.]+ [kMG]?B/s", "copied, #"),
        (r"(?m)(?<=[^ ]) {2,}(?=LABEL$|$)", " "),  # a column as wide as the longest number in it
        (r"srcversion: [0-9A-F]{23}", "srcversion: #"),  # which build of the same version it is
        (r"Marked additional \d+ [KMG]B", "Marked additional #"),
    )
]
