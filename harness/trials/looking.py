"""Looking at a run without taking part: who stands by, and what a look may not have changed."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from harness.errors import Refused
from harness.evidence import EffectName, Evidence, Foretold, HostSnapshot, Look, Sent
from harness.hosts.command import Request
from harness.inventory import Settings
from harness.labs.lab import ROLES, Opened, Truth
from harness.labs.premises import CLOUD_SECRET, SUDO_PASSWORD
from harness.migration.run import Migration
from harness.trials.fault_kinds import LyingExit
from harness.trials.foretelling import foretell
from harness.trials.tap import CommandFaults


@dataclass
class Bystander:
    """A watcher that breaks nothing: what is asked for is recorded and that is all."""

    sent: list[Sent]
    attempt: int
    step: str = ""

    def before_send(self, role: str, request: Request) -> None: ...
    def after_send(self, role: str, request: Request) -> None: ...
    def hit(self, role: str, request: Request) -> CommandFaults | None:
        return None

    def proven(self, fault: CommandFaults, detail: str) -> None: ...
    def truncate(self, fault: LyingExit) -> None: ...


def look(opened: Opened, evidence: Evidence, migration: Migration) -> None:
    """Ask for the plan as an operator would, and see whether asking changed anything.

    The hosts of ``migration`` are watched by a bystander.
    """
    sent = len(evidence.sent)
    # A detached copy goes on while somebody looks; what it writes is not the look's doing.
    apart = staging_areas(opened.inventory.settings) if evidence.attempts else ()
    before = footprint(opened.truth, migration.folder, apart)
    to_do = [row[0] for row in migration.plan() if row[2] == "to do"]
    window = migration.estimate() if not evidence.attempts else None
    commands = _foretold(opened, evidence, migration) if not evidence.attempts else None
    after = footprint(opened.truth, migration.folder, apart)
    asked = [one for one in evidence.sent[sent:] if one.effect != "read"]
    del evidence.sent[sent:]  # charged to the look, not to an attempt
    evidence.looks.append(
        Look(
            opened.clock.now(),
            len(evidence.attempts),
            to_do,
            sorted(path for path in {*before, *after} if before.get(path) != after.get(path)),
            [f"{one.host}: {one.what}" for one in asked],
            [window.least_s, window.most_s] if window else [],
            commands,
        )
    )


def _foretold(opened: Opened, evidence: Evidence, migration: Migration) -> list[Foretold]:
    """The commands of the plan; where it cannot tell them none, which the check finds."""
    try:
        commands = foretell(opened.inventory, migration.survey())
    except Refused as refused:
        evidence.notes.append(f"the plan named no commands: {refused}")
        return []
    return [Foretold(one.host, one.step, one.text, cast(EffectName, one.effect), one.sha256) for one in commands]


def footprint(truth: Truth, run: Path, apart: tuple[str, ...]) -> dict[str, str]:
    """All that a look could leave behind: files, disks, mounts and services of each host, and the run's own folder.

    ``apart`` are directories that somebody else writes to meanwhile.
    """
    found: dict[str, str] = {}
    for role in ROLES:
        listed = truth.listing(role)
        found |= {f"{role}:{path}": listed[path] for path in listed if not path.startswith(apart)}
        snapshot = truth.snapshot(role)
        found |= {
            f"{role}:{name}": json.dumps(value, sort_keys=True)
            for name, value in (
                ("disks", snapshot.disks),
                ("mounts", snapshot.mounts),
                ("services", snapshot.services),
                ("files", snapshot.files),
            )
        }
    for path in sorted(run.rglob("*")) if run.exists() else ():
        if path.is_file():
            found[f"controller:{path.name}"] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def surroundings(opened: Opened, snapshots: list[HostSnapshot]) -> dict[str, str]:
    """What lies on the hosts that answered when the snapshots were taken, outside the places of the data."""
    settings, truth = opened.inventory.settings, opened.truth
    ours = (settings.store, *staging_areas(settings))
    return {
        f"{seen.host}:{path}": line
        for role, seen in zip(ROLES, snapshots, strict=True)
        if seen.reachable
        for path, line in truth.listing(role).items()
        if not path.startswith(ours)
    }


def staging_areas(settings: Settings) -> tuple[str, ...]:
    """The directories on the original that staged copies lie in."""
    return (settings.staging, *([settings.second_staging] if settings.second_staging else []))


def changed(before: dict[str, str], now: dict[str, str]) -> list[str]:
    """``HOST:PATH KIND`` of what is not as before; a host that does not answer any more tells nothing."""
    answering = {path.partition(":")[0] for path in now}
    return sorted(
        f"{path} {(now.get(path) or before[path]).partition(' ')[0]}"
        for path in {*before, *now}
        if before.get(path) != now.get(path) and path.partition(":")[0] in answering
    )


def leaks(evidence: Evidence, folder: Path) -> list[str]:
    """The artefacts in which a secret stands that the lab planted: files of the run, commands, words."""
    return [place for secret in (CLOUD_SECRET, SUDO_PASSWORD) for place in _holding(secret, evidence, folder)]


def forms(planted: bytes) -> list[bytes]:
    """A secret as it is, in hexadecimal, and in base64 from any of the three places at which a text can begin there."""
    shifted = [base64.b64encode(bytes(at) + planted)[(0, 2, 3)[at] :] for at in range(3)]
    inner = [text[: len(text) - 4] for text in shifted]  # the last letters depend on what follows
    return [planted, planted.hex().encode(), planted.hex().upper().encode(), *inner]


def _holding(planted: bytes, evidence: Evidence, folder: Path) -> list[str]:
    looked_for = forms(planted)

    def held(text: str) -> bool:
        return any(form in text.encode("utf-8", "surrogateescape") for form in looked_for)

    found = [f"the request `{sent.what[:80]}` to {sent.host}" for sent in evidence.sent if held(sent.what)]
    found += [f"the last words of attempt {n}" for n, one in enumerate(evidence.attempts, 1) if held(one.last_words)]
    found += [f"a note: {note[:80]}" for note in (*evidence.notes, *evidence.unsupported) if held(note)]
    for path in sorted(folder.rglob("*")) if folder.exists() else ():
        if path.is_file() and any(form in path.read_bytes() for form in looked_for):
            found.append(f"the run's {path.name}")
    return found
