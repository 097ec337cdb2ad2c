"""From facts to scenarios: the site as it is, the site once its hazards are mended, and other scenarios on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import InvalidInput, Problem
from harness.evidence import OfSite
from harness.inventory import Settings, bytes_per_s
from harness.layout import Layout
from harness.migration.facts.file import read_facts
from harness.migration.facts.model import Facts, Hazard
from harness.systems.services import MANAGERS
from harness.trials.expect import CheckName, Expect
from harness.trials.hazards import Differs
from harness.trials.scenario import LabName, Scenario, ScenarioFile
from harness.trials.site import scale as scales
from harness.trials.site.pace import SitePace
from harness.trials.site.planting import Planted, plant
from harness.trials.site.scale import Scale
from harness.trials.start import Before, StoreBefore

_MIB = 1024**2
_SEED = 7
_ROOM_FOR_FILESYSTEM = 1.4  # of a device that is not too small
_NO_RATES = "the facts tell no rates of the site: no window is foreseen, and each lab has rates of its own"
_CARRIED = (
    *("store", "resource", "device", "port", "staging", "filesystem", "first_sync", "cutover_within_s"),
    *("catch_up_rounds", "rehash", "sync_rate", "drbd_conf"),
)
"""Settings of the site that its twin has too; the others name people, programs, bounds or times of the site."""


@dataclass(frozen=True)
class Size:
    """The site in one size: as labs with real disks can have it, or with all the bytes."""

    scale: Scale
    start: Before  # with all hazards that can be planted
    labs: tuple[LabName, ...]
    whole: bool  # as much to read, copy and replicate as on the site

    def mended(self) -> Before:
        """The same without its hazards."""
        device = max(self.start.device_bytes, _needed(self.start.store.bytes))
        differs = Differs(openssl=self.start.differs.openssl)  # it is no hazard
        update: dict[str, Any] = {"differs": differs, "staging_bytes": None, "device_bytes": device}
        return self.start.model_copy(update=update)


@dataclass(frozen=True)
class SiteTwin:
    """A site as labs can have it."""

    source: str
    sizes: tuple[Size, ...]  # the last one is that of labs with real disks
    hazards: Planted
    pace: SitePace | None  # None where the facts tell no rates
    asked: tuple[str, ...]  # the labs to rehearse in

    @property
    def start(self) -> Before:
        """As any lab can have it."""
        return self.sizes[-1].start

    def told(self) -> list[str]:
        """For people: the scale, the speed, the window, and which hazard of the site the rehearsal has."""
        wanted = [(one, [lab for lab in one.labs if lab in self.asked]) for one in self.sizes]
        lines = [f"the site of {self.source}, {one.scale} ({', '.join(labs)})" for one, labs in wanted if labs]
        lines += self.pace.told() if self.pace else [_NO_RATES]
        lines += [f"hazard of the site, planted: {_said(one)}" for one in self.hazards.there]
        lines += [f"hazard of the site that no lab has, NOT planted: {_said(one)}" for one in self.hazards.missing]
        return lines

    def scenarios(self) -> list[Scenario]:
        """The site as it is; where it is refused, the site once mended as well. Each in each size."""
        errors = sorted({one.id for one in self.hazards.there if one.severity == "error"})
        if not errors:
            return [self._scenario("site-as-it-is", "this site moves", one, one.start, ()) for one in self.sizes]
        refused, mended = (
            "this site is refused for what is wrong with it",
            "this site moves once what is wrong with it is mended",
        )
        return [
            *(self._scenario("site-as-it-is", refused, one, one.start, errors) for one in self.sizes),
            *(self._scenario("site-once-mended", mended, one, one.mended(), ()) for one in self.sizes),
        ]

    def under(self, scenario: Scenario) -> Scenario:
        """Another scenario's story on this site: its store and DRBD; what else the story needs stays its own."""
        mine, mended = scenario.start, self.sizes[-1].mended()
        update: dict[str, Any] = {"store": mended.store}
        if "drbd" not in mine.model_fields_set:
            update["drbd"] = mended.drbd
        update["device_bytes"] = max(mine.device_bytes, _needed(mended.store.bytes))
        start = mine.model_copy(update=update)
        return scenario.model_copy(update={"start": start, "claim": f"on this site: {scenario.claim}"[:300]})

    def _scenario(self, name: str, claim: str, size: Size, start: Before, errors: Sequence[str]) -> Scenario:
        checks: list[CheckName] = ["durability", "exclusivity", "reversibility"]
        if not errors:
            checks = ["durability", "exclusivity", "service", "replica"]
        expect = Expect(outcome="completed", exit_status=0, checks=checks)
        if errors:
            expect = Expect(outcome="refused", findings=list(errors), exit_status=3, checks=checks)
        if self.pace and "simulated" in size.labs:
            start = start.model_copy(update={"rates": self.pace.of_twin(start, size.whole)})
        claim = f"{claim}, {size.scale}"[:300]
        told = {"claim": claim, "labs": list(size.labs), "start": start, "expect": expect}
        parsed = ScenarioFile.model_validate(told)
        return Scenario.model_construct(name=name, source=self.source, of_site=self._of_site(size), **dict(parsed))

    def _of_site(self, size: Size) -> OfSite:
        if self.pace is None:
            return OfSite(str(size.scale))
        window = self.pace.window()
        return OfSite(str(size.scale), [window.least_s, window.likely_s, window.most_s], True, size.whole)


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
    planted, pace = plant(facts), SitePace.of(facts, layout, device.bytes)

    def sized(scale: Scale, labs: tuple[LabName, ...], whole: bool) -> Size:
        return Size(scale, _start(facts, layout, device.bytes or 0, scale, planted), labs, whole)

    if factor is not None:
        scale = scales.by(factor, layout, device.bytes, labs)
        return SiteTwin(str(path), (sized(scale, _labs(facts), factor == 1),), planted, pace, tuple(labs))
    small = scales.fitting(layout, device.bytes, facts.settings.filesystem)
    if pace is None:
        return SiteTwin(str(path), (sized(small, _labs(facts), False),), planted, None, tuple(labs))
    large = sized(scales.with_all_bytes(layout), ("simulated",), True)
    return SiteTwin(str(path), (large, sized(small, _labs(facts)[1:], False)), planted, pace, tuple(labs))


def _labs(facts: Facts) -> tuple[LabName, ...]:
    """The labs that can have the site; those with kernels have neither systemd nor a cloud on the original."""
    if _init(facts.hosts["original"].tools) == "systemd" or facts.cloud.on_original:
        return "simulated", "containers"
    return "simulated", "containers", "privileged", "machines"


def _needed(store_bytes: float) -> int:
    """A device that takes so many bytes of objects."""
    return int(store_bytes * _ROOM_FOR_FILESYSTEM) + 32 * _MIB


def _too_little(path: Path, where: str) -> Problem:
    from harness import jsonfile

    line, column = jsonfile.read(path).mark((where,))
    hint = "mend what `walrus-ha check -i INVENTORY` says and collect the facts again"
    return Problem(str(path), line, column, "neither a layout of the store nor the size of its device is told", hint)


def _start(facts: Facts, layout: Layout, device_bytes: int, scale: Scale, planted: Planted) -> Before:
    store = layout.scaled(scale.entries, scale.size)
    hazards = {(one.id, one.role) for one in facts.hazards}
    device = _whole(device_bytes * scale.device)
    if ("device-too-small", "original") in hazards:  # as much too small as on the site
        device = max(_MIB, _whole(store.bytes * device_bytes / max(1, layout.bytes)))
    elif _needed(store.bytes) > device:
        device = _whole(_needed(store.bytes))
    differs = {**planted.differs, **_other_device(facts, device_bytes, device), **_without_openssl(facts)}
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


def _without_openssl(facts: Facts) -> dict[str, Any]:
    """The hosts that hash with sha256sum. Facts that say nothing of openssl were collected when all did."""
    roles = [role for role in ("original", "additional") if role in facts.hosts]
    without = {role: "absent" for role in roles if facts.hosts[role].tools.get("openssl") is None}
    return {"openssl": without} if without else {}


def _staging(facts: Facts, layout: Layout, scaled: Layout) -> int | None:
    """A staging area that is as much too small as on the site; None where it is large enough."""
    if not any(one.id == "staging-too-small" for one in facts.hazards):
        return None
    place = facts.hosts["original"].places.get("staging")
    free = place.free_bytes if place and place.free_bytes is not None else 0
    return max(_MIB, int(scaled.bytes * min(1.0, free / max(1, layout.bytes))))
