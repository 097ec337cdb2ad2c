"""The world as the lab's events tell it, moment by moment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from harness.evidence import Event, Evidence

STOPPED = "STOPPED"
KINDS = frozenset(
    {
        "role",
        "mount",
        "unmount",
        "walrus",
        "walrus-lost",
        "power",
        "frozen",
        "link",
        "disk",
        "connection",
        "destroy",
        "complaint",
    }
    | {"sync-source", "sync-target", "sync-done"}
)


@dataclass
class Seen:
    """What the events so far say of one host; an empty word means that they never said."""

    powered: bool = True
    role: str = ""
    walrus: str = ""
    disk: str = ""
    left: str = ""  # what its disk was when it lost power, and is until its kernel says another word of it
    connection: str = ""
    mounts: list[tuple[str, str]] = field(default_factory=list)  # device and mount point

    def take(self, event: Event) -> None:
        """Let one event happen. A host that loses power forgets what only its kernel knew."""
        match event.kind, event.detail:
            case "power", "off":
                self.left = self.disk or self.left
                self.role, self.disk, self.connection, self.walrus, self.mounts = "", "", "", STOPPED, []
                self.powered = False
            case "power", "on":
                self.powered = True
            case "role", word:
                self.role = word
            case "walrus", word if self.powered:  # of a dead host the cloud only says what it believes
                self.walrus = word
            case "disk", word:
                self.disk, self.left = word, ""
            case "connection", word:
                self.connection = word
            case "mount", detail:
                device, _, place = detail.partition(" ")
                self.mounts.append((device, place))
            case "unmount", detail:
                device, _, place = detail.partition(" ")
                if (device, place) in self.mounts:
                    self.mounts.remove((device, place))


World = dict[str, Seen]


def in_order(evidence: Evidence) -> list[Event]:
    """The events by time; those of one moment in the order in which the lab told them."""
    return sorted(evidence.events, key=lambda event: event.at)


def replay(evidence: Evidence) -> Iterator[tuple[Event, World]]:
    """Each event with the world as it was just before it; the same object is carried on, so look at once."""
    world: World = defaultdict(Seen)
    for event in in_order(evidence):
        yield event, world
        world[event.host].take(event)


def world_at(evidence: Evidence, until: float = float("inf")) -> World:
    """The world once everything up to and including that moment has happened."""
    world: World = defaultdict(Seen)
    for event in in_order(evidence):
        if event.at <= until:
            world[event.host].take(event)
    return world


def pair(evidence: Evidence) -> tuple[str, str]:
    """The two Walrus hosts by name."""
    return evidence.original, evidence.additional
