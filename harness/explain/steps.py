"""What the steps say of themselves: which plans have them, and what they do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.migration import plan, retire
from harness.migration.step import Step


@dataclass(frozen=True)
class Told:
    """A step in its own words."""

    strategies: tuple[str, ...]
    summary: str


def _plans() -> Mapping[str, list[Step]]:
    return {**{name: make() for name, make in plan.PLANS.items()}, "the reverse move": plan.reverse()}


def told_by_the_steps() -> dict[str, Told]:
    """Every step by its name; one that two strategies do in different ways tells both."""
    told: dict[str, Told] = {}
    for strategy, steps in _plans().items():
        for step in steps:
            before = told.get(step.name, Told((), ""))
            told[step.name] = Told((*before.strategies, strategy), _both(before.summary, step.summary, strategy))
    return {**told, retire.STEP: Told(("after the move",), "Delete the old store and the staged copy")}


def _both(before: str, now: str, strategy: str) -> str:
    return now if before in ("", now) else f"{before}. {strategy.capitalize()}: {now[:1].lower()}{now[1:]}"
