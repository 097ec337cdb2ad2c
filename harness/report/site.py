"""What a rehearsal says of the real site that it is of: the window that is foreseen there, and how long it was here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from harness.checks.window import window_s
from harness.evidence import Evidence, OfSite
from harness.report.moment import lasting

Seconds = Annotated[float, Field(ge=0)]


@dataclass(frozen=True)
class SiteTold:
    """The window foreseen for the site (least, likely, most; empty: none is), and how long it was here.

    ``rates``: whose the trial's hosts had. ``holds``: whether it lies in the interval, null where it cannot tell.
    """

    scale: str
    window_s: tuple[Seconds, ...]
    took_s: Seconds | None
    rates: Literal["site", "lab"]
    holds: bool | None


@dataclass(frozen=True)
class SiteWindow:
    """The window of a site, and that of the trial; ``took_s`` is None where the trial's move was not completed."""

    of: OfSite
    lab: str
    took_s: float | None

    @property
    def comparable(self) -> bool:
        """The trial's window is the site's, as far as a lab can tell."""
        return self.of.as_fast and self.of.whole and bool(self.of.window_s) and self.took_s is not None

    @property
    def holds(self) -> bool | None:
        """Whether it lies in the interval that is foreseen; None where it says nothing of the site."""
        if not self.comparable or self.took_s is None:
            return None
        least, _, most = self.of.window_s
        return least <= self.took_s <= most

    def sentences(self) -> list[str]:
        """For people: what to expect on the site, and what was seen here."""
        return [self._foreseen(), *([self._seen(self.took_s)] if self.took_s is not None else [])]

    def _foreseen(self) -> str:
        if not self.of.window_s:
            return "No window is foreseen for the site: its facts tell no rates. Collect them again: walrus-ha facts."
        least, likely, most = map(lasting, self.of.window_s)
        return f"Expect on the site, at full size: services down for {likely} (in nine moves of ten {least} to {most})."

    def _seen(self, took_s: float) -> str:
        if not self.of.as_fast:
            return (
                f"Here they were down for {lasting(took_s)}, at the {self.lab} lab's own rates and sizes, "
                "which say nothing of the site's window."
            )
        if not self.of.whole:
            return (
                f"Here they were down for {lasting(took_s)}, at the site's rates with less to move ({self.of.scale})."
            )
        words = {True: "within what is foreseen", False: "NOT within what is foreseen: rely on neither", None: ""}
        return (
            f"Here they were down for {lasting(took_s)}, at the site's rates with as much to move: {words[self.holds]}."
        )

    def told(self) -> SiteTold:
        """For programs."""
        return SiteTold(
            scale=self.of.scale,
            window_s=tuple(round(one, 1) for one in self.of.window_s),
            took_s=None if self.took_s is None else round(self.took_s, 1),
            rates="site" if self.of.as_fast else "lab",
            holds=self.holds,
        )


def window_of(evidence: Evidence) -> SiteWindow | None:
    """None where the trial is of no site."""
    if evidence.of_site is None:
        return None
    last = evidence.attempts[-1] if evidence.attempts else None
    took_s = window_s(evidence, last) if last and last.outcome == "completed" else None
    return SiteWindow(evidence.of_site, evidence.lab, took_s)
