"""drbd.conf, right and wrong, gets the answer of the real drbdadm of 8.3 and of 8.4."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

from fakes.memory import MemoryFilesystem
from fakes.programs import drbd_config

_CASES = Path(__file__).parents[1] / "golden" / "drbd-configurations" / "cases.txt"
_NO_NEWLINE = "\n%%no newline at the end\n"


class Case(NamedTuple):
    """One file, and what drbdadm of one version says to it."""

    name: str
    text: str
    version: str
    exit_status: int
    stderr: str


def _cases() -> list[Case]:
    found = []
    for block in re.split(r"^=== ", _CASES.read_text(), flags=re.MULTILINE)[1:]:
        head, *answers = re.split(r"^--- ", block, flags=re.MULTILINE)
        name, text = head.split("\n", 1)
        text = text.removesuffix(_NO_NEWLINE) if text.endswith(_NO_NEWLINE) else text
        for answer in answers:
            first, stderr = answer.split("\n", 1)
            version, status = first.split()
            found.append(Case(name, text, version, int(status), stderr))
    return found


@pytest.mark.parametrize("case", _cases(), ids=lambda case: f"{case.name}-{case.version}")
def test_a_configuration_is_read_as_drbdadm_reads_it(case: Case, agreement: Counter[str]) -> None:
    files = MemoryFilesystem()
    files.mkdir("/etc")
    files.write("/etc/ok.conf", next(found.text for found in _cases() if found.name == "ok").encode())
    files.write("/etc/drbd.conf", case.text.encode())
    try:
        drbd_config.load(files, "/etc/drbd.conf", case.version)
        answer = (0, "")
    except drbd_config.ConfigurationError as refused:
        answer = (refused.exit_status, refused.text)
    agrees = answer == (case.exit_status, case.stderr)
    agreement.update({"files": 1, "files agree": agrees})
    assert answer == (case.exit_status, case.stderr)
