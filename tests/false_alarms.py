"""False alarms: the checks that catch the vendor's text, put to our engine over many stores. They must say nothing.

``make seeds`` prints how many trials there were, how many did not pass, and how fast they went; WALRUS_HA_SEEDS says
how many. Each trial is a whole move in the simulated lab; seed N has a store of its own and its own draw of what may
differ.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from harness.checks.verdict import Verdict, judge
from harness.labs import catalogue
from harness.trials.expect import ALL_CHECKS, Expect
from harness.trials.scenario import Scenario
from harness.trials.start import Before, StoreBefore
from harness.trials.trial import run_trial

NUMBER = "WALRUS_HA_SEEDS"
FEW = 24
_AT_A_TIME = 25  # seeds that a process takes at once
_MEMORY = "/dev/shm"


@dataclass(frozen=True)
class Alarm:
    """A trial of a sound engine on a sound pair that did not pass."""

    seed: int
    verdict: str
    reason: str


def scenario(seed: int) -> Scenario:
    """A healthy start; what a site is free to choose is drawn from the seed."""
    draw = random.Random(seed)
    store = StoreBefore(
        objects=draw.randint(1, 24), bytes=draw.randint(2, 256) * 1024, seed=seed, hostile_names=draw.random() < 0.75
    )
    settings = {"filesystem": draw.choice(["ext3", "ext4"]), "first_sync": draw.choice(["full", "full", "skip"])}
    settings["component"] = draw.choice(["walrus-additional", "walrus-walrus01"])  # decides who is ENABLED first
    size = draw.choice([16, 32, 64]) * 1024**2
    drbd = draw.choice(["8.3", "8.4"])
    start = {"drbd": drbd, "store": store.model_dump(), "settings": settings, "device_bytes": size}
    return Scenario.model_construct(
        name=f"seed-{seed}",
        source="",
        claim="a healthy pair gives no check anything to say",
        labs=["simulated"],
        start=Before.model_validate(start),
        expect=Expect(outcome="completed", checks=list(ALL_CHECKS)),
    )


def alarms(seeds: Iterable[int], folder: str) -> list[Alarm]:
    """Those of the seeds whose trial did not pass."""
    found, lab = [], catalogue.find("simulated")
    for seed in seeds:
        with tempfile.TemporaryDirectory(dir=folder) as workdir:
            judgement = judge(run_trial(scenario(seed), lab, Path(workdir)))
        if judgement.verdict is not Verdict.PASS:
            found.append(Alarm(seed, judgement.verdict.value, judgement.reason))
    return found


def asked_for() -> int:
    """How many seeds; few where nobody says."""
    return int(os.environ.get(NUMBER) or FEW)


def over(count: int) -> Iterator[list[Alarm]]:
    """The alarms of seeds 0 to ``count``, as the processes of this machine find them."""
    folder = _MEMORY if os.access(_MEMORY, os.W_OK) else tempfile.gettempdir()
    blocks = [range(first, min(first + _AT_A_TIME, count)) for first in range(0, count, _AT_A_TIME)]
    with ProcessPoolExecutor(os.cpu_count()) as processes:
        yield from processes.map(partial(alarms, folder=folder), blocks)


def main() -> int:
    count, started, found, done = asked_for(), time.monotonic(), list[Alarm](), 0
    for said in over(count):
        found += said
        done += _AT_A_TIME
        if done % 1000 == 0:
            print(f"{done} seeds, {len(found)} false alarms, {time.monotonic() - started:.0f} s", file=sys.stderr)
    for alarm in found[:20]:
        print(f"seed {alarm.seed}: {alarm.verdict}: {alarm.reason}")
    seconds = time.monotonic() - started
    print(f"{count} seeds, {len(found)} false alarms, {seconds:.1f} s, {count / seconds:.1f} moves a second")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
