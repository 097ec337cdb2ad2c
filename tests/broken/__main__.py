"""Put every broken engine to its scenarios, and to all others if these let it pass; print what caught it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

from harness.checks.verdict import Verdict
from harness.trials.scenario import Scenario
from tests.broken.engines import SABOTAGES
from tests.broken.patching import Sabotage
from tests.broken.survivors import SURVIVORS
from tests.broken.trials import Ruling, rule_broken, simulated_scenarios

_ROW = "| {:<10} | {:<45} | {:<12} | {:<13} | {}"


def main() -> int:
    """Exit status 0 when every broken engine was caught or is a known survivor."""
    parser = argparse.ArgumentParser(prog="python -m tests.broken", description=__doc__)
    parser.add_argument("words", nargs="*", help="only the mistakes whose name or family holds one of these words")
    words = parser.parse_args().words
    chosen = [one for one in SABOTAGES if not words or any(word in f"{one.family} {one.name}" for word in words)]
    scenarios = simulated_scenarios()
    print(_ROW.format("family", "mistake", "verdict", "caught by", "in"))
    rulings = {one.name: _put(one, scenarios) for one in chosen}
    return _sum_up(rulings)


def _put(mistake: Sabotage, scenarios: dict[str, Scenario]) -> Ruling:
    ruling = rule_broken(mistake, _in_order(mistake, scenarios))
    caught = ruling.verdict is Verdict.FAIL
    row = (mistake.family, mistake.name, ruling.verdict.value, ruling.caught_by if caught else "-", ruling.scenario)
    print(_ROW.format(*row), flush=True)
    return ruling


def _in_order(mistake: Sabotage, scenarios: dict[str, Scenario]) -> Iterator[Scenario]:
    yield from (scenarios[name] for name in mistake.scenarios)
    yield from (scenario for name, scenario in scenarios.items() if name not in mistake.scenarios)


def _sum_up(rulings: dict[str, Ruling]) -> int:
    alive = [name for name, ruling in rulings.items() if ruling.verdict is not Verdict.FAIL]
    caught = len(rulings) - len(alive)
    print(f"\n{caught} of {len(rulings)} broken engines caught: {caught / max(1, len(rulings)):.1%}")
    for name in alive:
        print(f"survives: {name}: {SURVIVORS.get(name, 'NO REASON GIVEN in tests/broken/survivors.py')}")
    return 0 if all(name in SURVIVORS for name in alive) else 1


if __name__ == "__main__":
    sys.exit(main())
