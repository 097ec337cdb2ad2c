"""Measurements with their bounds: ``make bench`` prints them, writes bench.json and fails when one misses its bound.

bench.json has the named figures by their names, each a number, and all of the last run under ``figures``; a run of some
measurements leaves the numbers of the others as they were. Bounds hold on a machine of two cores with nothing else to
do. ``python -m tests.bench machines memory`` measures these alone, ``python -m tests.bench window --objects 5000
--size 512MiB --lab containers`` another store or lab than usual.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from pydantic import PositiveInt, TypeAdapter

from harness.labs import doctor
from harness.yamlmodel import Bytes
from tests.bench import containers, copying, latency, machines, memory, simulated, sweeping, window
from tests.bench.figure import Figure
from tests.bench.moves import NotMoved

RESULTS = Path("bench.json")


@dataclass(frozen=True)
class Measurement:
    """Something to measure, by name; ``lab`` is what it needs of this machine, None for nothing."""

    name: str
    lab: str | None
    measure: Callable[[], Iterator[Figure]]

    def lacking(self) -> str | None:
        return doctor.missing(self.lab) if self.lab else None


def measurements(given: argparse.Namespace) -> list[Measurement]:
    """All that there are, in their order."""
    usual = window.STORES[given.lab]
    store = replace(usual, objects=given.objects or usual.objects, bytes=given.size or usual.bytes)
    return [
        Measurement("simulated", "simulated", simulated.measure),
        Measurement("simulated", "simulated", sweeping.measure),
        Measurement("latency", None, latency.measure),
        Measurement("copying", None, copying.measure),
        Measurement("memory", None, memory.measure),
        Measurement("containers", "containers", containers.measure),
        Measurement("machines", "machines", machines.measure),
        Measurement("window", given.lab, partial(window.measure, store, given.lab)),
    ]


def anchor(figures: Sequence[Figure]) -> Iterator[Figure]:
    """What a second holds: of a trial in containers, and of the sweep's, both from this run."""
    by_name = {figure.name: figure.value for figure in figures if figure.name}
    trial_s, rate = by_name.get(containers.TRIAL), by_name.get("trials_per_second")
    if trial_s and rate:
        yield Figure("anchor: share of one containers trial that a second holds", 1 / trial_s, unit="")
        yield Figure("anchor: trials of the sweep in the time of one containers trial", rate * trial_s, unit="")


def results(figures: Sequence[Figure], before: dict[str, object]) -> dict[str, object]:
    """What bench.json holds; ``before`` is what it held."""
    named: dict[str, object] = {figure.name: figure.value for figure in figures if figure.name}
    return {**before, **named, "figures": [asdict(figure) for figure in figures]}


def count(text: str) -> int:
    """At least one."""
    return TypeAdapter(PositiveInt).validate_python(text)


def size(text: str) -> int:
    """As in a scenario."""
    return TypeAdapter(Bytes).validate_python(text)


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """What is to be measured, and how large."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure, and compare with the bounds.")
    names = "simulated, latency, copying, memory, containers, machines, window"
    parser.add_argument("wanted", nargs="*", metavar="NAME", help=names)
    parser.add_argument("--objects", type=count, help="of the store that window moves")
    parser.add_argument("--size", type=size, help="of all of them, such as 2GiB")
    parser.add_argument("--lab", choices=tuple(window.STORES), default="machines", help="where window moves it")
    given = parser.parse_args(argv)
    if unknown := set(given.wanted) - {one.name for one in measurements(given)}:
        parser.error(f"there is no measurement {', '.join(sorted(unknown))}")
    return given


def main(argv: Sequence[str] = ()) -> int:
    """Measure what is named, or all that this machine offers; 1 when a bound was missed."""
    given = parse(argv)
    figures: list[Figure] = []
    whole = True
    for one in measurements(given):
        if given.wanted and one.name not in given.wanted:
            continue
        if lacking := one.lacking():
            print(f"not measured: {one.name}: {lacking}")
            continue
        try:
            for figure in one.measure():
                print(figure, flush=True)
                figures.append(figure)
        except NotMoved as failed:
            print(f"not measured: {one.name}: {failed}")
            whole = False
    for figure in anchor(figures):
        print(figure)
        figures.append(figure)
    before = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    RESULTS.write_text(json.dumps(results(figures, before), indent=1) + "\n")
    return int(not whole or not all(figure.holds for figure in figures))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
