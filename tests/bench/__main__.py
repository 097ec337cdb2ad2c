"""Measurements with their bounds: ``make bench`` prints them, writes bench.json and fails when one misses its bound.

bench.json has the named figures by their names, each a number, and all of them under ``figures``. Bounds hold on a
machine of two cores with nothing else to do. ``python -m tests.bench machines`` measures in that lab alone.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from harness.labs import doctor
from tests.bench import containers, latency, machines, simulated, sweeping
from tests.bench.figure import Figure

RESULTS = Path("bench.json")
MEASUREMENTS: tuple[tuple[str, Callable[[], Iterator[Figure]]], ...] = (
    ("simulated", simulated.measure),
    ("simulated", sweeping.measure),
    ("simulated", latency.measure),
    ("containers", containers.measure),
    ("machines", machines.measure),
)


def anchor(figures: Sequence[Figure]) -> Iterator[Figure]:
    """What a second holds: of a trial in containers, and of the sweep's, both from this run."""
    by_name = {figure.name: figure.value for figure in figures if figure.name}
    trial_s, rate = by_name.get(containers.TRIAL), by_name.get("trials_per_second")
    if trial_s and rate:
        yield Figure("anchor: share of one containers trial that a second holds", 1 / trial_s, unit="")
        yield Figure("anchor: trials of the sweep in the time of one containers trial", rate * trial_s, unit="")


def results(figures: Sequence[Figure]) -> dict[str, object]:
    """What bench.json holds."""
    named: dict[str, object] = {figure.name: figure.value for figure in figures if figure.name}
    return {**named, "figures": [asdict(figure) for figure in figures]}


def main(wanted: Sequence[str] = ()) -> int:
    """Measure in these labs, or in every one that this machine offers; 1 when a bound was missed."""
    figures: list[Figure] = []
    for lab, measure in MEASUREMENTS:
        if wanted and lab not in wanted:
            continue
        if lacking := doctor.missing(lab):
            print(f"not measured: {lacking}")
            continue
        for figure in measure():
            print(figure, flush=True)
            figures.append(figure)
    for figure in anchor(figures):
        print(figure)
        figures.append(figure)
    RESULTS.write_text(json.dumps(results(figures), indent=1) + "\n")
    return int(not all(figure.holds for figure in figures))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
