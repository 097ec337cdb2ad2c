"""From facts to scenarios: the site as it is, the site once its hazards are mended, and other scenarios on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import InvalidInput, Problem
from harness.inventory import Settings, bytes_per_s
from harness.layout import Layout
from harness.migration.facts.file import read_facts
from harness.migration.facts.model import Facts, Hazard
from harness.systems.services import MANAGERS
from harness.trials.expect import CheckName, Expect
from harness.trials.hazards import Differs
from harness.trials.scenario import Scenario, ScenarioFile
from harness.trials.site import scale as scales
from harness.trials.site.planting import Planted, plant
from harness.trials.site.scale import Scale
from harness.trials.start import Before, StoreBefore

_MIB = 1024**2
_SEED = 7
_ROOM_FOR_FILESYSTEM = 1.4  # of a device that is not too small
_CARRIED = (
    *("store", "resource", "device", "port", "staging", "filesystem", "first_sync", "cutover_within_s"),
    *("catch_up_rounds", "rehash", "sync_rate", "drbd_conf"),
)
"""Settings of the site that its twin has too; the others name people, programs, bounds or times of the site."""


@dataclass(frozen=True)
class SiteTwin:
    """A site as a lab can have it."""

    source: str
    scale: Scale
    start: Before  # with all hazards that can be planted
    hazards: Planted

    def told(self) -> list[str]:
        """For people: the scale, and which hazard of the site the rehearsal has."""
        lines = [f"the site of {self.source}, {self.scale}"]
        lines += [f"hazard of the site, planted: {_said(one)}" for one in self.hazards.there]
        lines += [f"hazard of the site that no lab has, NOT planted: {_said(one)}" for one in self.hazards.missing]
        return lines

    def scenarios(self) -> list[Scenario]:
        """The site as it is; where it is refused, the site once mended as well."""
        errors = sorted({one.id for one in self.hazards.there if one.severity == "error"})
        if not errors:
            return [self._scenario("site-as-it-is", f"this site moves, {self.scale}", self.start, ())]
        refused = f"this site is refused for what is wrong with it, {self.scale}"
        mended = f"this site moves once what is wrong with it is mended, {self.scale}"
        return [
            self._scenario("site-as-it-is", refused, self.start, errors),
            self._scenario("site-once-mended", mended, self.mended(), ()),
        ]

    def mended(self) -> Before:
        """The same site without its hazards."""
        device = max(self.start.device_bytes, int(self.start.store.bytes * _ROOM_FOR_FILESYSTEM) + 32 * _MIB)
        update: dict[str, Any] = {"differs": Differs(), "staging_bytes": None, "device_bytes": device}
        return self.start.model_copy(update=update)

    def under(self, scenario: Scenario) -> Scenario:
        """Another scenario's story on this site: its store and DRBD; what else the story needs stays its own."""
        mine, mended = scenario.start, self.mended()
        update: dict[str, Any] = {"store": mended.store}
        if "drbd" not in mine.model_fields_set:
            update["drbd"] = mended.drbd
        needed = int(mended.store.bytes * _ROOM_FOR_FILESYSTEM) + 32 * _MIB
        update["device_bytes"] = max(mine.device_bytes, needed)
        start = mine.model_copy(update=update)
        return scenario.model_copy(update={"start": start, "claim": f"on this site: {scenario.claim}"[:300]})

    def _scenario(self, name: str, claim: str, start: Before, errors: Sequence[str]) -> Scenario:
        checks: list[CheckName] = ["durability", "exclusivity", "reversibility"]
        if not errors:
            checks = ["durability", "exclusivity", "service", "replica"]
        expect = Expect(outcome="completed", exit_status=0, checks=checks)
        if errors:
            expect = Expect(outcome="refused", findings=list(errors), exit_status=3, checks=checks)
        labs = ["simulated", "containers", "privileged", "machines"]
        if start.init == "systemd" or start.clc == "original":  # the kernel's labs have neither
            labs = labs[:2]
        parsed = ScenarioFile.model_validate({"claim": claim[:300], "labs": labs, "start": start, "expect": expect})
        return Scenario.model_construct(name=name, source=self.source, **dict(parsed))


def _said(hazard: Hazard) -> str:
    return f"{hazard.id} on the {hazard.role} ({hazard.severity})"


def twin_of(path: Path, factor: float | None, labs: Sequence[str]) -> SiteTwin:
    """The twin of the site whose facts are in a file, as small as labs want it or by one factor.

    Raises:
        InvalidInput: the file is damaged or no facts, or tells too little of the site; with file and line.
    """
    facts = read_facts(path)
    layout, device = facts.store.layout, facts.hosts["original"].device if "original" in facts.hosts else None
    if layout is None or device is None or not device.bytes:
        where = "store" if layout is None else "hosts"
        raise InvalidInput(_too_little(path, where))
    by_need = scales.fitting(layout, device.bytes, facts.settings.filesystem)
    scale = by_need if factor is None else scales.by(factor, layout, device.bytes, labs)
    planted = plant(facts)
    return SiteTwin(str(path), scale, _start(facts, layout, device.bytes, scale, planted), planted)


def _too_little(path: Path, where: str) -> Problem:
    from harness import yamlfile

    line, column = yamlfile.read(path).mark((where,))
    hint = "mend what `walrus-ha check -i INVENTORY` says and collect the facts again"
    return Problem(str(path), line, column, "neither a layout of the store nor the size of its device is told", hint)


def _start(facts: Facts, layout: Layout, device_bytes: int, scale: Scale, planted: Planted) -> Before:
    store = layout.scaled(scale.entries, scale.size)
    hazards = {(one.id, one.role) for one in facts.hazards}
    device = _whole(device_bytes * scale.device)
    if ("device-too-small", "original") in hazards:  # as much too small as on the site
        device = max(_MIB, _whole(store.bytes * device_bytes / max(1, layout.bytes)))
    elif store.bytes * _ROOM_FOR_FILESYSTEM + 32 * _MIB > device:
        device = _whole(store.bytes * _ROOM_FOR_FILESYSTEM + 32 * _MIB)
    differs = {**planted.differs, **_other_device(facts, device_bytes, device)}
    drbd = "8.3" if (facts.hosts["original"].drbd or "").startswith("8.3.") else "8.4"
    settings = _settings(facts.settings)
    return Before.model_validate(
        {
            "drbd": drbd,
            "strategy": facts.settings.strategy,
            "clc": "original" if facts.cloud.on_original else "own",
            "init": _init(facts.hosts["original"].tools),
            "store": StoreBefore(objects=store.files, bytes=store.bytes, seed=_SEED, hostile_names=False, layout=store),
            "device_bytes": device,
            "staging_bytes": _staging(facts, layout, store),
            "sync_rate": bytes_per_s(settings.sync_rate),
            "settings": settings,
            "differs": Differs.model_validate(differs),
        }
    )


def _init(tools: Mapping[str, str | None]) -> str:
    """What starts the services: systemd only where there is nothing else."""
    chkconfig, systemctl = (tools.get(name) for name in MANAGERS)
    return "systemd" if systemctl and not chkconfig else "sysvinit"


def _whole(size: float) -> int:
    return max(_MIB, int(size) // _MIB * _MIB)


def _settings(settings: Settings) -> Settings:
    told, usual = settings.model_dump(mode="json"), Settings().model_dump(mode="json")
    return Settings.model_validate({name: told[name] for name in _CARRIED if told[name] != usual[name]})


def _other_device(facts: Facts, original_bytes: int, scaled: int) -> dict[str, int]:
    """The additional host's device, where it is not as large: as much larger or smaller, by a mebibyte at least."""
    device = facts.hosts["additional"].device if "additional" in facts.hosts else None
    if device is None or not device.bytes or device.bytes == original_bytes:
        return {}
    found = _whole(scaled * device.bytes / original_bytes)
    if found == scaled:
        found += _MIB if device.bytes > original_bytes else -_MIB
    return {"additional_device_bytes": max(_MIB, found)}


def _staging(facts: Facts, layout: Layout, scaled: Layout) -> int | None:
    """A staging area that is as much too small as on the site; None where it is large enough."""
    if not any(one.id == "staging-too-small" for one in facts.hazards):
        return None
    place = facts.hosts["original"].places.get("staging")
    free = place.free_bytes if place and place.free_bytes is not None else 0
    return max(_MIB, int(scaled.bytes * min(1.0, free / max(1, layout.bytes))))
