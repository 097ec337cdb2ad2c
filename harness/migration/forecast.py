"""How long the services will be down, from the rates that these hosts were measured to have.

Each part of the window has a likely length and one that it stays below and above in nine moves of ten; what cannot be
measured by reading, such as how long an election takes, is assumed, and told as such.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.hosts.host import Reader
from harness.inventory import Settings, bytes_per_s
from harness.migration.rates import Look, Measured, Rates, measure
from harness.migration.site import Site
from harness.systems import files, store, volumes

_HASHES, _COPIES = 3, 2  # the frozen store and two copies are hashed; copied to the staging area and onto the device
# That the engine sends while the services are down, one after the other; fewer where it can ask both hosts at once.
_REQUESTS = {"staged": (180.0, 320.0, 480.0), "online": (80.0, 130.0, 220.0)}
_SERVICES_S = (3.0, 38.0, 150.0)  # assumed: to stop, to be started, to be elected
_DRIFT = (0.8, 1.0, 1.35)  # a disk at three in the morning is not that of noon
_COPY_SHARE = (0.35, 0.6, 1.0)  # assumed: what a copy reaches of what reading does
_COPY_AS_GIVEN = (0.9, 1.0, 1.3)  # where the inventory says what a copy reaches
_SYNC = (0.97, 1.05, 1.35)  # of the time that the inventory's sync_rate takes, where the disks are as fast
_LOOKS, _LOOKS_AT_COPY = 12.0, 40.0  # passes of find; and how much longer a copy is at an entry than find
_DEFAULT_READ = Measured(60e6, 120e6, 300e6, 0)  # where nothing could be measured

Span = tuple[float, float, float]


@dataclass(frozen=True)
class Part:
    """One part of the window."""

    what: str
    least_s: float
    likely_s: float
    most_s: float


@dataclass(frozen=True)
class Forecast:
    """The window as it is foreseen: in nine moves of ten between ``least_s`` and ``most_s``."""

    least_s: float
    likely_s: float
    most_s: float
    parts: tuple[Part, ...]
    measured: bool

    def __str__(self) -> str:
        return f"{clock(self.likely_s)} (90 %: {clock(self.least_s)} to {clock(self.most_s)})"

    def figures(self) -> str:
        """The parts, for people."""
        return ", ".join(f"{part.what} {clock(part.likely_s)}" for part in self.parts if part.likely_s >= 1)


def clock(seconds: float) -> str:
    """A duration for people, to be compared with a window."""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02} min"
    return f"{whole // 60} min {whole % 60:02} s" if whole >= 60 else f"{whole} s"


def foresee(site: Site[Reader]) -> Forecast:
    """Measure these hosts and foresee the window. READ commands only.

    Raises:
        HostError, UnexpectedOutput: the store cannot be listed, or a host does not answer.
    """
    look: Look = measure(site)
    whole = max(store.total_bytes(look.listed), files.used_kib(site.original, site.settings.store) * 1024)
    device = volumes.size_bytes(site.original, site.disk(site.original))
    return forecast(site.settings, len(look.listed), whole, device, look.rates)


def forecast(settings: Settings, entries: int, whole: int, device: int, rates: Rates) -> Forecast:
    """The window of a move with these settings of a store and a device of these sizes."""
    hashing = reading(rates)
    services = Part("services and elections (assumed)", *_SERVICES_S)
    answers = _part("requests", _REQUESTS[settings.strategy], rates.round_trip_s.likely)
    looks = _part("listing", (0.6, 1.0, 2.0), _LOOKS * entries / rates.entries_per_s)
    measured = rates.hash_bytes_per_s is not None
    if settings.strategy == "online":
        again = _part("reading all again", _DRIFT, 2 * whole / hashing.likely if settings.rehash == "all" else 0.0)
        difference = Part("the last difference", 0.0, settings.cutover_within_s / 2, 2 * settings.cutover_within_s)
        return _whole((services, answers, looks, again, difference), measured)
    one_hash = _part("hash", _spread(hashing), whole / hashing.likely)
    one_copy = _copy(settings, entries, whole, rates)
    restored = _sum("restoring and verifying", (one_copy, one_hash))
    sync = _sync(settings, device, rates)
    last = Part("restoring and verifying, or the first sync", *map(max, _span(restored), _span(sync)))
    parts = (
        services,
        answers,
        looks,
        _times("freezing", one_hash),
        _sum("staging and verifying", (one_copy, one_hash)),
        *(_twice_staged(one_copy, one_hash) if settings.reuse_device else ()),
        last,
    )
    return _whole(parts, measured)


def reading(rates: Rates) -> Measured:
    """What reading and hashing the store reaches."""
    return rates.hash_bytes_per_s or _slowest(rates) or _DEFAULT_READ


def copy_rate(settings: Settings, rates: Rates) -> tuple[float, Span]:
    """The bytes a second that one copy reaches where nothing limits it, and by how much its time may be off."""
    if "disk_rate" in settings.model_fields_set:
        return float(bytes_per_s(settings.disk_rate)), _COPY_AS_GIVEN
    least, likely, most = _COPY_SHARE
    return likely * reading(rates).likely, (likely / most, 1.0, likely / least)


def sync_rate(settings: Settings, rates: Rates) -> float:
    """The bytes a second of the first synchronisation: what the inventory allows it, or what the disks give."""
    allowed = float(bytes_per_s(settings.sync_rate))
    slowest = _slowest(rates)
    return min(allowed, slowest.likely) if slowest else allowed


def _twice_staged(copy: Part, read: Part) -> tuple[Part, Part]:
    """What a store on its own device takes besides: another copy, and both read again before it is erased there."""
    return _sum("the second copy, verified", (copy, read)), _sum("reading both copies again", (read, read))


def _copy(settings: Settings, entries: int, whole: int, rates: Rates) -> Part:
    """One copy of the store."""
    rate, spread = copy_rate(settings, rates)
    seconds = whole / rate
    limit_s = whole / (settings.copy_limit_kib_s * 1024.0) if settings.copy_limit_kib_s else 0.0
    an_entry_s = _LOOKS_AT_COPY * entries / rates.entries_per_s
    least, likely, most = (max(seconds * factor, limit_s) for factor in spread)
    return Part("copy", least + an_entry_s / 10, likely + an_entry_s / 3, most + an_entry_s)


def _sync(settings: Settings, device: int, rates: Rates) -> Part:
    """The first synchronisation, which begins when the staged copy is verified and runs beside restoring it."""
    if settings.first_sync != "full":
        return Part("sync", 0.0, 0.0, 0.0)
    return _part("sync", _SYNC, device / sync_rate(settings, rates))


def _slowest(rates: Rates) -> Measured | None:
    """The slower of the two devices."""
    return min(rates.read_bytes_per_s.values(), key=lambda one: one.likely, default=None)


def _spread(measured: Measured) -> Span:
    """By how much a duration may be off: by what the samples differ, and by the time of day."""
    fast, slow = measured.likely / measured.most, measured.likely / measured.least
    return max(0.5, min(1.0, fast)) * _DRIFT[0], 1.0, min(3.0, max(1.0, slow)) * _DRIFT[2]


def _part(what: str, spread: Span, factor: float) -> Part:
    return Part(what, *(factor * one for one in spread))


def _span(part: Part) -> Span:
    return part.least_s, part.likely_s, part.most_s


def _times(what: str, part: Part) -> Part:
    return Part(what, *_span(part))


def _sum(what: str, parts: Iterable[Part]) -> Part:
    spans = [_span(part) for part in parts]
    return Part(what, *(sum(column) for column in zip(*spans, strict=True)))


def _whole(parts: tuple[Part, ...], measured: bool) -> Forecast:
    whole = _sum("the window", parts)
    return Forecast(whole.least_s, whole.likely_s, whole.most_s, parts, measured)
