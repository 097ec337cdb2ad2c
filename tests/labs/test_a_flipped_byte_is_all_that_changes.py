"""The lab's corruption and a client's disguise change one byte of one object; its size and times tell nothing of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from harness.labs.look import CLIENT, FLIP, LOOKING

_NOWHERE_ELSE = "directory = str\n"  # a lab says here where an argument's content lies
_CONTENT = bytes(range(200))


@pytest.mark.parametrize(("script", "arguments"), [(FLIP, ()), (CLIENT, ("disguise", "0"))])
def test_one_byte_of_one_object_changes(tmp_path: Path, script: str, arguments: tuple[str, ...]) -> None:
    bucket = tmp_path / "bucket"
    bucket.mkdir()
    for name in ("first", "second"):
        (bucket / name).write_bytes(_CONTENT)
    before = (bucket / "first").stat()
    argv = [sys.executable, "-I", "-c", LOOKING + _NOWHERE_ELSE + script, str(tmp_path), *arguments]
    answer = json.loads(subprocess.run(argv, check=True, capture_output=True, timeout=60).stdout)
    after, found = (bucket / "first").stat(), (bucket / "first").read_bytes()
    assert answer == {"victim": ascii(bytes(bucket / "first")), "proven": True}
    assert [number for number in range(200) if found[number] != _CONTENT[number]] == [100]
    assert (len(found), after.st_mtime_ns, after.st_ino) == (200, before.st_mtime_ns, before.st_ino)
    assert (bucket / "second").read_bytes() == _CONTENT
