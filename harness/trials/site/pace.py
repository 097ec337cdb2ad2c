"""How fast a site is, and its twin in a lab whose hosts are as fast as they are told to be."""

from __future__ import annotations

from dataclasses import dataclass

from harness.inventory import Settings
from harness.layout import Layout
from harness.migration.facts.model import Facts
from harness.migration.facts.rates import measured
from harness.migration.forecast import Forecast, copy_rate, forecast, reading, sync_rate
from harness.migration.rates import Rates
from harness.trials.start import Before, HostRates

_LONGEST_S = 60.0


@dataclass(frozen=True)
class SitePace:
    """What a site's facts tell of its speed, and of how much there is to move."""

    settings: Settings
    rates: Rates
    layout: Layout
    device_bytes: int

    @classmethod
    def of(cls, facts: Facts, layout: Layout, device_bytes: int) -> SitePace | None:
        """None where the facts tell no rates."""
        if facts.rates is None or not facts.rates.answer_s:
            return None
        return cls(facts.settings, measured(facts.rates), layout, device_bytes)

    def window(self) -> Forecast:
        """How long the services of the site itself will be down, at full size."""
        return forecast(self.settings, self.layout.entries, self.layout.bytes, self.device_bytes, self.rates)

    def of_twin(self, start: Before, whole: bool) -> HostRates:
        """The rates for a twin; of one that stands for the whole site each entry takes as long as many."""
        store = start.store.layout or self.layout
        fewer = max(1, store.entries) / max(1, self.layout.entries) if whole else 1.0
        return HostRates(
            read_rate=_at_least_one(reading(self.rates).likely),
            copy_rate=_at_least_one(self._copy()),
            sync_rate=_at_least_one(sync_rate(self.settings, self.rates)),
            answer_s=min(_LONGEST_S, self.rates.round_trip_s.likely),
            entry_s=min(_LONGEST_S, 1 / self.rates.entries_per_s / fewer),
        )

    def told(self) -> list[str]:
        """For people: the rates and where they are from, and the window of the site."""
        given = "as the inventory says" if "disk_rate" in self.settings.model_fields_set else "assumed from reading"
        rates = (
            f"reads {_megabytes(reading(self.rates).likely)}, copies {_megabytes(self._copy())} ({given}), "
            f"syncs {_megabytes(sync_rate(self.settings, self.rates))} (the link is not measured), "
            f"answers in {1000 * self.rates.round_trip_s.likely:.3g} ms"
        )
        window = self.window()
        return [
            f"rates of the site: {rates}",
            "the simulated lab has these rates; other labs have their own, which say nothing of the site",
            f"window of the site at full size, foreseen: {window}: {window.figures()}",
        ]

    def _copy(self) -> float:
        limit = self.settings.copy_limit_kib_s
        rate = copy_rate(self.settings, self.rates)[0]
        return min(rate, limit * 1024.0) if limit else rate


def _at_least_one(rate: float) -> int:
    return max(1, round(rate))


def _megabytes(rate: float) -> str:
    return f"{rate / 1e6:.3g} MB/s"
