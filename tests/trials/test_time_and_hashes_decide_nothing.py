"""A trial replays to the same trace whatever Python's hash seed, and no decision follows a wall clock."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fakes.simulated import SimulatedWorld
from harness.labs import catalogue
from harness.labs.simulated import VirtualClock
from harness.trials.scenario_files import load_scenarios
from harness.trials.trial import run_trial

ROOT = Path(__file__).parents[2]
SCENARIOS = [
    *("core/success-with-full-sync", "copy-interrupted-by-power-cut", "mkfs-fails-rolls-back"),
    *("success-online", "success-reuse-device", "reverse/reverse-keeps-what-was-written-and-deleted-since"),
]
_REPLAY = """
import sys, tempfile
from pathlib import Path
from harness.labs import catalogue
from harness.trials.scenario_files import load_scenarios
from harness.trials.trial import run_trial
for scenario in load_scenarios(map(Path, sys.argv[1:])):
    print(run_trial(scenario, catalogue.find("simulated"), Path(tempfile.mkdtemp())).trace_hash)
"""


# The journal is as long as its dates; the pair's manifest, which is packed, holds the hosts' times of what was written.
_SIZES = re.compile(r"keep (journal|manifest-pair\.\d+) \(.*?\)")


def paths() -> list[str]:
    return [str(ROOT / "scenarios" / f"{name}.yaml") for name in SCENARIOS]


def test_every_hash_seed_and_process_gives_the_same_trace() -> None:
    hashes = set()
    for seed in ("0", "1", "4711"):
        command = [sys.executable, "-c", _REPLAY, *paths()]
        environment = os.environ | {"PYTHONHASHSEED": seed}
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=120, cwd=ROOT, env=environment
        )
        assert len(done.stdout.split()) == len(SCENARIOS)
        hashes.add(done.stdout)
    assert len(hashes) == 1


def requests(path: str, folder: Path) -> tuple[list[tuple[str, str, str, str]], list[str]]:
    """All that the engine asked for, in order, and how its attempts ended."""
    (scenario,) = load_scenarios([Path(path)])
    evidence = run_trial(scenario, catalogue.find("simulated"), folder)
    asked = [(one.host, one.step, _SIZES.sub(r"keep \1", one.what), one.outcome) for one in evidence.sent]
    return asked, [one.outcome for one in evidence.attempts]


def off(now_ns: Callable[[SimulatedWorld], int], offset_ns: int) -> Callable[[SimulatedWorld], int]:
    """A clock that is wrong by so much."""
    return lambda world: now_ns(world) + offset_ns


@pytest.mark.parametrize("path", paths(), ids=SCENARIOS)
def test_wall_clocks_of_any_year_give_the_same_decisions(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = requests(path, tmp_path / "plain")
    assert plain == requests(path, tmp_path / "again")  # else the comparison below would prove nothing
    chance = random.Random(18)
    true_now_ns = SimulatedWorld.now_ns
    for years in (-10, -0.001, 10):
        with monkeypatch.context() as patched:
            # The hosts' clocks are wrong by years, and the controller's jumps to and fro with every look at it.
            patched.setattr(SimulatedWorld, "now_ns", off(true_now_ns, int(years * 365 * 86_400 * 1e9)))
            patched.setattr(VirtualClock, "date", lambda clock: f"{chance.randint(1970, 2099)}-01-01T00:00:00Z")
            assert requests(path, tmp_path / f"{years}") == plain


def test_the_engine_never_asks_for_the_time_of_day() -> None:
    asking = re.compile(r"\btime\.time\b|\bdatetime\b|\bimport time\b")
    for path in sorted((ROOT / "harness" / "migration").rglob("*.py")):
        assert not asking.search(path.read_text()), path
