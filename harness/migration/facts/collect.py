"""Looking at a site for its facts. READ commands only; what cannot be seen is said and does not stop the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import harness
from harness.errors import Refused
from harness.hosts.command import Command
from harness.hosts.host import Reader
from harness.inventory import Hooks, ServiceProbe, Settings
from harness.migration.facts.hosts import host_facts
from harness.migration.facts.model import (
    CloudFacts,
    Facts,
    Hazard,
    RoleName,
    StoreFacts,
    WindowFacts,
)
from harness.migration.facts.rates import told as told_rates
from harness.migration.forecast import forecast
from harness.migration.preflight import Finding, preflight
from harness.migration.preflight.survey import site_of_one_look
from harness.migration.rates import Rates, measure
from harness.migration.site import Site
from harness.migration.survey import CANNOT_SEE
from harness.systems import files
from harness.systems.layout import layout

Found = TypeVar("Found")
_AWAY = ("unreachable", "access-denied")


@dataclass(frozen=True)
class Collected:
    """The facts, and what preflight found in its own words, which name hosts and are for the screen."""

    facts: Facts
    findings: list[Finding]


@dataclass
class Looking:
    """Asks one thing after the other and notes what could not be seen."""

    not_seen: list[str] = field(default_factory=list)

    def see(self, what: str, look: Callable[[], Found]) -> Found | None:
        """What the look tells, or None and a note: its reason may hold a name, so that is left out."""
        try:
            return look()
        except (*CANNOT_SEE, ValueError) as blind:
            self.not_seen.append(f"{what}: {type(blind).__name__}")
            return None


def collect(site: Site[Reader], made: str) -> Collected:
    """Everything that a rehearsal of this site needs.

    Raises:
        Refused: a host cannot be looked at.
    """
    findings = preflight(site)
    if away := [str(finding) for finding in findings if finding.id in _AWAY]:
        raise Refused("\n".join([*away, "No facts without this host. Nothing was written, and nothing was changed."]))
    looking, seen = Looking(), site_of_one_look(site)
    by_role: dict[RoleName, Reader] = {"original": seen.original, "additional": seen.additional, "clc": seen.clc}
    facts = Facts(
        kind="facts of a Walrus site",
        format=1,
        engine=harness.__version__,
        made=made,
        settings=told_settings(site.settings),
        store=_store(seen, looking),
        hosts={role: host_facts(seen, role, host, looking.see) for role, host in by_role.items()},
        cloud=_cloud(seen, looking),
        hazards=[Hazard(id=one.id, role=_role(site, one.host), severity=one.severity) for one in findings],
    )
    rates = looking.see("rates", lambda: measure(site, _root(seen))) if facts.store.layout else None
    window = looking.see("window", lambda: _window(facts, rates.rates)) if rates else None
    told = told_rates(site, rates.rates) if rates else None
    return Collected(facts.model_copy(update={"rates": told, "window": window, "not_seen": looking.not_seen}), findings)


def told_settings(settings: Settings) -> Settings:
    """The settings of the move without programs of the controller and places of credentials."""
    return settings.model_copy(update={"eucarc": None, "hooks": Hooks(), "service_probe": ServiceProbe()})


def _role(site: Site[Reader], host: str) -> RoleName:
    return next((node.role for node in site.inventory.nodes() if node.name == host), "original")


def _root(site: Site[Reader]) -> str:
    """Where the objects lie, links followed."""
    return site.original.read(Command(("readlink", "-f", "--", site.settings.store))).text.rstrip("\n")


def _store(site: Site[Reader], looking: Looking) -> StoreFacts:
    place = looking.see("store", lambda: files.stat(site.original, site.settings.store))
    if place is None or place.kind not in ("directory", "symlink"):
        return StoreFacts(kind="absent" if place is None else "other")
    return StoreFacts(
        kind="symlink" if place.kind == "symlink" else "directory",
        layout=looking.see("layout", lambda: layout(site.original, _root(site))),
        used_kib=looking.see("used space", lambda: files.used_kib(site.original, _root(site))),
    )


def _cloud(site: Site[Reader], looking: Looking) -> CloudFacts:
    walruses = looking.see("walruses", lambda: site.cloud.walruses(site.clc)) or []
    properties = looking.see("properties", lambda: site.cloud.properties(site.clc)) or {}
    return CloudFacts(
        on_original=site.clc_is_original,
        walruses=sorted(one.state for one in walruses),
        storagedir=properties.get("walrus.storagedir"),
    )


def _window(facts: Facts, rates: Rates) -> WindowFacts | None:
    """The forecast for these figures."""
    device, found = facts.hosts["original"].device, facts.store.layout
    if device is None or device.bytes is None or found is None:
        return None
    told = forecast(facts.settings, found.entries, found.bytes, device.bytes, rates)
    return WindowFacts(least_s=round(told.least_s, 1), likely_s=round(told.likely_s, 1), most_s=round(told.most_s, 1))
