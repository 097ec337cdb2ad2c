"""What a host prints may be longer than memory should hold: it comes whole, and most of it is not held."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.hosts.command import Command, Result
from harness.hosts.local import LocalConnection
from harness.hosts.spool import Spool

_LINES = 400_000
_PRINTS = f"import sys; sys.stdout.write(''.join(f'{{n}}\\n' for n in range({_LINES})))"
_MEASURED = """
import re, sys
from harness.hosts.command import Command
from harness.hosts.local import LocalConnection
transport = LocalConnection(state_directory=sys.argv[1]).open("here")
result = transport.send(Command(("head", "-c", sys.argv[2], "/dev/zero")))
assert sum(map(len, result.pieces())) == int(sys.argv[2])
print(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])
"""


def test_a_long_reply_comes_whole(tmp_path: Path) -> None:
    transport = LocalConnection(state_directory=str(tmp_path)).open("here")
    result = transport.send(Command((sys.executable, "-c", _PRINTS)))
    assert isinstance(result, Result)
    assert isinstance(result.output, Spool)
    expected = "".join(f"{number}\n" for number in range(_LINES)).encode()
    assert b"".join(result.pieces()) == expected
    assert result.stdout == expected


def test_a_long_reply_is_not_held(tmp_path: Path) -> None:
    """A process that reads two hundred megabytes holds hardly more than one that reads two."""
    few, many = (
        int(
            subprocess.run(
                [sys.executable, "-c", _MEASURED, tmp_path, str(size)], check=True, capture_output=True
            ).stdout
        )
        for size in (2 * 10**6, 200 * 10**6)
    )
    assert many < few + 8 * 1024


@pytest.mark.parametrize("size", [0, 1, 256 * 1024, 256 * 1024 + 1, 3_000_001])
def test_a_spool_gives_back_what_was_added(size: int) -> None:
    spool, content = Spool(), bytes(range(251)) * (size // 251 + 1)
    for at in range(0, size, 70_001):
        spool.add(content[at : min(size, at + 70_001)])
    assert spool.length == size
    assert spool.whole() == content[:size]
    assert b"".join(spool.pieces()) == content[:size]
    assert spool.read(size // 2, 100) == content[:size][size // 2 : size // 2 + 100]
