"""Whoever runs a sweep, in how many processes, under which order of hashes: the trace and every figure are the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

_SWEEP = """
import json, sys
from harness.trials.sweep.executor import Processes
from harness.trials.sweep.slices import Spec, small_start
from harness.trials.sweep.sweep import sweep

if __name__ == "__main__":
    report = sweep(Spec(small_start(int(sys.argv[1])), faults=("lose_reply",)), Processes(int(sys.argv[2])))
    report.seconds = 0.0
    print(json.dumps(report.figures()))
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("sweep") / "thinned.py"
    path.write_text(_SWEEP)
    return str(path)


def _swept(program: str, seed: int, jobs: int, order_of_hashes: str) -> dict[str, object]:
    ended = subprocess.run(
        [sys.executable, program, str(seed), str(jobs)],
        env={**os.environ, "PYTHONHASHSEED": order_of_hashes},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    figures: dict[str, object] = json.loads(ended.stdout)
    return figures


def test_a_thinned_sweep_by_one_process_and_by_two(program: str) -> None:
    alone = _swept(program, 7, 1, "1")
    together = _swept(program, 7, 2, "2")
    assert alone == together
    assert alone["run"] == alone["enumerated"] == alone["pass"]
    assert len(str(alone["trace_hash"])) == 64
