"""Rates in facts: by role, since facts name no host; and back again, for whoever reads them."""

from __future__ import annotations

from harness.hosts.host import Reader
from harness.migration.facts.model import MeasuredFacts, RateFacts, RoleName
from harness.migration.rates import Measured, Rates
from harness.migration.site import Site


def told(site: Site[Reader], rates: Rates) -> RateFacts:
    """What was measured, as facts have it."""

    def by_role(found: dict[str, Measured]) -> dict[RoleName, MeasuredFacts]:
        return {node.role: _told(found[node.name]) for node in site.inventory.nodes() if node.name in found}

    hashing = rates.hash_bytes_per_s
    return RateFacts(
        answer_s=by_role(rates.answer_s),
        entries_per_s=float(f"{rates.entries_per_s:.4g}"),
        hash_bytes_per_s=_told(hashing) if hashing else None,
        read_bytes_per_s={role: one for role, one in by_role(rates.read_bytes_per_s).items() if role != "clc"},
    )


def measured(facts: RateFacts) -> Rates:
    """What facts tell, as it was measured; hosts go by their role."""
    hashing = facts.hash_bytes_per_s
    return Rates(
        answer_s={role: _measured(one) for role, one in facts.answer_s.items()},
        entries_per_s=facts.entries_per_s,
        hash_bytes_per_s=_measured(hashing) if hashing else None,
        read_bytes_per_s={role: _measured(one) for role, one in facts.read_bytes_per_s.items()},
    )


def _told(measured: Measured) -> MeasuredFacts:
    """To four digits: nobody measures more."""
    least, likely, most = (float(f"{one:.4g}") for one in (measured.least, measured.likely, measured.most))
    return MeasuredFacts(least=least, likely=likely, most=most, samples=measured.samples)


def _measured(facts: MeasuredFacts) -> Measured:
    return Measured(facts.least, facts.likely, facts.most, facts.samples)
