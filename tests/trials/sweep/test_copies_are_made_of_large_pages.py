"""What copies share lies in large pages where the kernel can do that, and stays as it is."""

from __future__ import annotations

import subprocess
import sys

import pytest

from harness.trials.sweep.pages import LARGE_BYTES

_ASKS = """
from harness.trials.sweep.pages import in_large_pages
kept = [bytes([number]) * 300 for number in range(200)] * 10 + [str(number) * 40 for number in range(80_000)]
before = hash(tuple(kept))
moved = in_large_pages()
assert hash(tuple(kept)) == before
(large,) = (line.split()[1] for line in open("/proc/self/smaps_rollup") if line.startswith("AnonHugePages"))
print(moved, int(large) * 1024)
"""


def test_what_the_kernel_says_to_have_moved_is_moved() -> None:
    """In a process of its own: this one's memory is nobody's business."""
    ended = subprocess.run([sys.executable, "-c", _ASKS], capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr
    moved, large = map(int, ended.stdout.split())
    if not moved:
        pytest.skip("this kernel has no large pages for the asking")
    assert moved >= LARGE_BYTES
    assert large >= moved
