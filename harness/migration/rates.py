"""How fast these hosts are, as measured by reading a little: bounded, with pauses, behind everybody else's work."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from statistics import median

from harness.errors import HostError, StepBlocked, UnexpectedOutput
from harness.hosts.command import Command
from harness.hosts.host import Reader
from harness.migration.site import Site
from harness.systems import copying, hashers, store, volumes

_MIB = 1024**2
_ASKED = 5  # times that each host is asked something small
_SAMPLES, _SAMPLE_BYTES, _SAMPLE_FILES = 3, 16 * _MIB, 100
_DEVICE_MIB = 16
_PAUSE_S = 0.2  # between two samples: whoever else wants the disk gets it
_BOUND_S = 60.0  # of one sample; a disk that is slower is not told
_LEAST_S = 1e-6


@dataclass(frozen=True)
class Measured:
    """What several samples of one thing said; the middle one counts."""

    least: float
    likely: float
    most: float
    samples: int

    @classmethod
    def of(cls, samples: Iterable[float]) -> Measured | None:
        """None where there is no sample."""
        found = sorted(samples)
        return cls(found[0], median(found), found[-1], len(found)) if found else None


@dataclass(frozen=True)
class Rates:
    """What was measured; None where it could not be."""

    answer_s: dict[str, Measured]  # by host: from asking to the answer
    entries_per_s: float  # that one pass of find lists
    hash_bytes_per_s: Measured | None  # of objects of this store, as they are hashed
    read_bytes_per_s: dict[str, Measured]  # by host of the pair: the device's start, past the caches

    @property
    def round_trip_s(self) -> Measured:
        """Of the slowest host."""
        return max(self.answer_s.values(), key=lambda one: one.likely)


@dataclass(frozen=True)
class Look:
    """A store as it was listed, and what was measured meanwhile."""

    listed: store.Manifest
    rates: Rates


def measure(site: Site[Reader], root: str | None = None) -> Look:
    """Read a little of the store and of the devices, and time it. READ commands only; a minute at most a sample.

    ``root``: where the objects lie, if that is not where the inventory has the store.

    Raises:
        HostError, UnexpectedOutput: the store cannot be listed, or a host does not answer.
    """
    # Answers that were kept would take no time.
    fresh = {host.name: Reader(host.name, host.transport, host.clock) for host in site.hosts}
    original = fresh[site.original.name]
    answers = {name: _answers(host) for name, host in fresh.items()}
    root, began = root or site.settings.store, site.clock.now()
    listed = store.listing(original, root)
    listing_s = max(_LEAST_S, site.clock.now() - began - answers[original.name].likely)
    hashing = Measured.of(_hashing(original, root, listed, answers[original.name].least))
    reading = {
        host.name: found
        for host in site.pair
        if (found := Measured.of(_reading(fresh[host.name], site.disk(host), answers[host.name].least)))
    }
    return Look(listed, Rates(answers, len(listed) / listing_s, hashing, reading))


def _answers(host: Reader) -> Measured:
    """The first answer may have to wait for a connection, so it does not count."""
    host.read(Command(("uname", "-n")))
    found = Measured.of(_took(host, Command(("uname", "-n"))) for _ in range(_ASKED))
    assert found is not None, "it was asked"
    return found


def _took(host: Reader, command: Command) -> float:
    began = host.clock.now()
    host.read(command)
    return max(_LEAST_S, host.clock.now() - began)


def _hashing(host: Reader, root: str, listed: store.Manifest, answer_s: float) -> Iterator[float]:
    """Bytes a second of each sample of objects."""
    hasher = hashers.hasher_of(host)
    for names, size in samples(listed):
        command = replace(copying.gently(hashers.hash_some_command(root, names, hasher)), timeout_s=_BOUND_S)
        yield from _rate(host, command, size, answer_s)


def samples(listed: store.Manifest) -> Iterator[tuple[list[bytes], int]]:
    """Names of objects from all over the store, with the bytes of each handful; none twice, large ones passed over."""
    number = sum(1 for _ in _fitting(listed))
    for turn in range(_SAMPLES):
        every = max(1, len(range(turn, number, _SAMPLES)) // _SAMPLE_FILES) * _SAMPLES
        names: list[bytes] = []
        size = 0
        for entry in itertools.islice(itertools.islice(_fitting(listed), turn, None, every), _SAMPLE_FILES):
            if names and size + entry.size > _SAMPLE_BYTES:
                break
            names.append(entry.path)
            size += entry.size
        if names:
            yield names, size


def _fitting(listed: store.Manifest) -> Iterator[store.Entry]:
    return (entry for entry in listed if entry.kind == "file" and 0 < entry.size <= _SAMPLE_BYTES)


def _reading(host: Reader, device: str, answer_s: float) -> Iterator[float]:
    """Bytes a second of the device's first megabytes, whatever lies there."""
    if not volumes.is_block_device(host, device):
        return
    count = min(_DEVICE_MIB, volumes.size_bytes(host, device) // _MIB)
    for _ in range(_SAMPLES):
        command = replace(volumes.read_directly_command(device, count), timeout_s=_BOUND_S)
        yield from _rate(host, command, count * _MIB, answer_s)


def _rate(host: Reader, command: Command, size: int, answer_s: float) -> Iterator[float]:
    host.clock.sleep(_PAUSE_S)
    try:
        took = _took(host, command)
    except (HostError, UnexpectedOutput, StepBlocked):
        return  # not told is not fast and not slow
    yield size / max(_LEAST_S, took - answer_s, took / 10)
