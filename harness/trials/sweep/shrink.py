"""A failing trial as few faults as show it, and as a scenario file."""

from __future__ import annotations

import json
import re
from pathlib import Path

from harness.labs.lab import Start
from harness.trials.sweep.single import Single, run_single
from harness.trials.sweep.slices import Spec

_PLAIN = ("clc", "init", "host_tools", "login", "ssh", "staging_bytes", "store_on", "second_staging_bytes")
_HEADER = "# yaml-language-server: $schema=../../docs/reference/scenario.schema.json\n"


def shrink(spec: Spec, single: Single) -> Single:
    """The same failure with fewer faults, where one of them is enough."""
    wanted = _invariants(single)
    if len(single.points) > 1 and wanted:
        for point in single.points:
            alone = run_single(spec, (point,))
            if wanted & _invariants(alone):
                return alone
    return single


def _invariants(single: Single) -> set[str]:
    return {line.partition(":")[0] for line in single.told.broken}


def scenario_text(spec: Spec, single: Single) -> str:
    """The trial as a scenario file; it passes once what it shows is mended."""
    said = single.told.broken or single.told.unknown or ("nothing; it passes",)
    lines = [_HEADER.rstrip(), f"# walrus-ha sweep --only {','.join(map(str, single.points))}"]
    lines += [f"# said: {' '.join(line.split())[:160]}" for line in said[:3]]
    hit = "; ".join(" ".join(f"{point.fault} {point.moment} at {what}".split()) for point, what in single.hits)
    lines += [f"claim: {_quoted(f'the move survives {hit}'[:280])}", "labs: [simulated]", *_start(spec), "faults:"]
    for (attempt, number), point in zip(single.marks, single.points, strict=False):
        moment = "not_sent" if point.moment == "journalled" else point.moment
        if point.fault == "kill_engine" and moment in ("sent", "during"):
            moment = "done"
        lines += [f"  - do: at_command\n    number: {max(1, number)}\n    attempt: {attempt}"]
        lines += [f"    fault: {point.fault}\n    moment: {moment}"]
    again = ["{wait_s: 62}", "resume"] * (len(single.told.outcomes) - 1)
    return "\n".join([*lines, f"then: [{', '.join(again)}]", "expect:", "  outcome: completed", ""])


def _start(spec: Spec) -> list[str]:
    store = spec.start.store
    hostile = str(store.hostile_names).lower()
    inner = f"objects: {store.objects}, bytes: {store.bytes}, seed: {store.seed}, hostile_names: {hostile}"
    given, usual = spec.start, Start()
    strategy = given.settings.get("strategy", "staged")
    lines = ["start:", f'  drbd: "{given.drbd}"', *([f"  strategy: {strategy}"] if strategy != "staged" else [])]
    lines += [f"  {key}: {getattr(given, key)}" for key in _PLAIN if getattr(given, key) != getattr(usual, key)]
    lines += [
        f"  store: {{{inner}}}",
        f"  device_bytes: {given.device_bytes}",
        f"  sync_rate: {given.sync_bytes_per_s}",
    ]
    for key, value in (("settings", given.settings), ("differs", given.differs)):
        plain = {name: one for name, one in value.items() if name != "strategy"}
        lines += [f"  {key}: {json.dumps(plain)}"] if plain else []
    return lines


def _quoted(text: str) -> str:
    return "'" + re.sub(r"[^ -~]", "?", text).replace("'", "''") + "'"


def save(folder: Path, name: str, text: str) -> Path:
    """Write a scenario file; the folder is made."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.yaml"
    path.write_text(text)
    return path


def name_of(single: Single) -> str:
    """A name for the file until somebody finds its claim."""
    return re.sub(r"[^a-z0-9]+", "-", "sweep-" + "-".join(map(str, single.points)).lower()).strip("-")
