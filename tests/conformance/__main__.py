"""Play the recordings on two kernels of their own and on the fakes, and say how far the answers agree.

python -m tests.conformance [RECORDING...]         compare; every recording of tests/golden/drbd-8.4 when none is named
python -m tests.conformance --record RECORDING...  write down what real hosts answer to the calls in these files
"""

from __future__ import annotations

import argparse
import sys
import time

from fakes.program import Reply
from harness.errors import LabError, LabUnavailable
from harness.labs import machine_image
from tests.conformance.compare import OPEN, Comparison, differing, holds, reason_for, table
from tests.conformance.machines import Pair, RealStage, pair
from tests.conformance.play import play
from tests.conformance.recording import GOLDEN, Call, parts, written
from tests.conformance.sidebyside import compared


def main(arguments: list[str]) -> int:
    """0 when the bars are held, 1 when not, 2 when this machine cannot tell."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--record", action="store_true", help="write the real answers into the recordings")
    parser.add_argument("recordings", nargs="*", help="names of recordings, such as split-brain")
    options = parser.parse_args(arguments)
    if lacking := machine_image.lacks():
        print("conformance needs two machines with kernels of their own:", *lacking, sep="\n  ", file=sys.stderr)
        return 2
    names = options.recordings or sorted(path.stem for path in GOLDEN.glob("*.txt"))
    try:
        with pair() as machines:
            return _record(machines, names) if options.record else _compare(machines, names)
    except LabUnavailable as unavailable:
        print(unavailable, file=sys.stderr)
        return 2


def _compare(machines: Pair, names: list[str]) -> int:
    lines: list[Comparison] = []
    aborted = False
    for name in names:
        for part in parts(name):
            started = time.monotonic()
            try:
                found = compared(machines, part)
            except (LabError, AssertionError) as error:
                print(f"{part.name}: not played to its end: {error}", flush=True)
                aborted = True
                continue
            agree = sum(line.fake_agrees for line in found)
            print(f"{part.name}: {agree} of {len(found)} agree, {time.monotonic() - started:.0f} s", flush=True)
            lines += found
    for line in differing(lines):
        print(f"\n{line.told()}\n   reason: {reason_for(line) or OPEN}")
    print(f"\n{table(lines)}\n\n{time.strftime('%Y-%m-%d')}, {RealStage(machines).versions('walrus00')}")
    return 0 if holds(lines) and not aborted else 1


def _record(machines: Pair, names: list[str]) -> int:
    for name in names:
        heard: dict[int, Reply] = {}

        def hear(call: Call, reply: Reply, heard: dict[int, Reply] = heard) -> None:
            heard[call.line] = reply

        stage, path = RealStage(machines), GOLDEN / f"{name}.txt"
        try:
            for part in parts(name):
                play(stage, part.calls, [()] * len(part.calls), hear)
        finally:  # how far it came shows what stood in the way
            path.write_text(written(path.read_text(), heard))
        print(f"{path}: {len(heard)} calls, {stage.versions('walrus00')}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
