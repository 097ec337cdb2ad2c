"""The copies of the store in a simulated world: as written, and as a power cut would leave them."""

from __future__ import annotations

from collections.abc import Sequence

from fakes.memory import MemoryFilesystem
from fakes.simulated import SimulatedWorld
from fakes.survival import VolumeImages
from fakes.tree import Change, Tree
from fakes.volume import Volume
from harness.inventory import Settings
from harness.labs.premises import BACKING_DEVICE, NAMES, place_path
from harness.labs.simulated_treasure import Treasure

_MOST_IMAGES = 256  # of one disk after a power cut; where there are more, what was flushed and what was written
_PLACES = ("store", "old-store", "returning-store", "staging", "second-staging")
_STAGED = ("staging", "second-staging")


class Copies:
    """Where the store lies complete in a simulated world."""

    def __init__(self, world: SimulatedWorld, settings: Settings) -> None:
        self._world, self._settings = world, settings
        self._paths = {place: place_path(settings, place) for place in _PLACES}
        self._store = self._paths["store"]
        files = self._files("original")
        volume, inside = self._lies(files, self._store)
        self.treasure = Treasure.of(volume.tree, inside)
        self._looked: tuple[tuple[object, ...] | None, dict[str, list[str]]] | None = None
        self._on_device = volume is not root_of(files)  # the store lay on a disk of its own before the move

    def _files(self, role: str) -> MemoryFilesystem:
        return self._world.machines[NAMES[role]].files

    def complete(self) -> dict[str, list[str]]:
        """Where the store lies complete, as written and as a power cut would leave it."""
        there = self._there()
        if there is None or self._looked is None or self._looked[0] != there:
            self._looked = (there, self._complete())
        return self._looked[1]

    def _there(self) -> tuple[object, ...] | None:
        """All that ``complete`` looks at, as what it is and not as what it holds; None when that is not enough."""
        files = self._files("original")
        # Staging areas may have disks of their own.
        volumes = [*(mount.volume for mount in files._names.mounts), *files._images.values()]
        if any(volume.lost for volume in volumes):
            return None
        disks = [self._world.state.hosts[NAMES[role]].disks[BACKING_DEVICE] for role in ("original", "additional")]
        return (
            self.treasure,
            tuple(files._images),
            files._names.mounts,
            [(written(volume), volume.durable) for volume in volumes],  # trees are equal when they are the same
            [(disk.garbage, bool(disk.written), self._world.published.get(disk.image_token)) for disk in disks],
        )

    def _complete(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {"as written": [], "after a power cut": []}
        files = self._files("original")
        root = root_of(files)
        for place, path in self._places():
            self._count(found, place, *self._lies(files, path))
        if not self._untouched_elsewhere(files) and not self._in_every_image(root):
            found["after a power cut"] = []
        for name, volume in files._images.items():
            self._count(found, f"device {name}", volume, "")
        for role in ("original", "additional"):
            disk = self._world.state.hosts[NAMES[role]].disks[BACKING_DEVICE]
            published = self._world.published.get(disk.image_token)
            # What a side was told and has not put into its image yet lies on its disk all the same. What the original
            # writes past that is looked at above.
            stale = role == "original" and disk.written
            if published and not disk.garbage and not stale and self.treasure.lies_in(published.tree, ""):
                found["as written"].append(f"{role} device")
                found["after a power cut"].append(f"{role} device")
        return found

    def _count(self, found: dict[str, list[str]], place: str, volume: Volume, root: str) -> None:
        if self.treasure.lies_in(written(volume), root):
            found["as written"].append(place)
        if self.treasure.lies_in(volume.durable, root):
            found["after a power cut"].append(place)

    def _places(self) -> list[tuple[str, str]]:
        """The places of the original that may hold a copy, and their paths."""
        second = self._settings.second_staging
        names = [place for place in _PLACES if second or place != "second-staging"]
        return [(place, self._paths[place]) for place in names]

    @staticmethod
    def _lies(files: MemoryFilesystem, path: str) -> tuple[Volume, str]:
        """The volume that a path is on now, and the path inside it; what is not mounted cannot be seen there."""
        place = files._names.locate(path)
        return place.volume, place.inside

    def _untouched_elsewhere(self, files: MemoryFilesystem) -> bool:
        """A copy on another disk than the system's is flushed, and nothing since has to do with it."""
        places = [self._lies(files, path) for _, path in self._places()]
        places += [(volume, "") for volume in files._images.values()]
        return any(
            volume is not root_of(files)
            and self.treasure.lies_in(volume.durable, inside)
            and not _touched(volume.durable, inside, _unflushed(volume))
            for volume, inside in places
        )

    def _in_every_image(self, root: Volume) -> bool:
        """Whatever of the unflushed survives a power cut, the store is somewhere on the original's own disk."""
        changes = _unflushed(root)
        places = [path for _, path in self._places()]
        kept = [place for place in places if self.treasure.lies_in(root.durable, place)]
        if any(not _touched(root.durable, place, changes) for place in kept):
            return True
        images = VolumeImages(root)
        number = images.count(_MOST_IMAGES)
        trees = [images.nth(one) for one in range(number)] if number <= _MOST_IMAGES else [root.durable, root.tree]
        return all(any(self.treasure.lies_in(tree, place) for place in places) for tree in trees)

    def treasure_is_served_by(self, role: str) -> None:
        """From now on what counts is the store as this host has it mounted."""
        mounted = next(one.volume for one in self._files(role)._names.mounts if one.at == self._store)
        self.treasure = Treasure.of(written(mounted), "")

    def source_is_unchanged(self, on_the_way_back: bool = False) -> bool:
        """The original's store is as it was, at its place or renamed aside; on the way back the pair's on this side.

        Where it lay on the device to be replicated, that is left alone until two copies are whole on stable storage.
        """
        files = self._files("original")
        if on_the_way_back:
            return any(self.treasure.lies_in(written(volume), "") for volume in files._images.values())
        if self._on_device:
            copies = [self._lies(files, self._paths[one]) for one in _STAGED]
            whole = all(self.treasure.lies_in(volume.durable, inside) for volume, inside in copies)
            return whole or any(self.treasure.lies_in(written(one), "") for one in files._images.values())
        root = root_of(files)
        return any(self.treasure.lies_in(written(root), self._paths[place]) for place in ("old-store", "store"))

    def holds_store_at(self, role: str) -> bool:
        """What a reader sees at the store's path on a host, mounted device or not, is the store."""
        files = self._files(role)
        mounted = [mount.volume for mount in files._names.mounts if mount.at == self._store]
        volume, root = (mounted[-1], "") if mounted else (root_of(files), self._store)
        return self.treasure.lies_in(written(volume), root)


def _touched(tree: Tree, place: str, changes: Sequence[Change]) -> bool:
    """Some change that is not flushed has to do with what lies at a place."""
    numbers = {tree.paths[path] for path in (place, *tree.below(place))}
    return any(
        change.number in numbers
        or any(name == place or name.startswith(f"{place}/") for name in (change.path, change.new))
        for change in changes
    )


def written(volume: Volume) -> Tree:
    """A volume's tree as it is now; the next write copies it first, so that this one stays as it is."""
    return volume.publish().tree


def _unflushed(volume: Volume) -> Sequence[Change]:
    """What a power cut may take away again."""
    changes, count = volume.snapshot().changes
    return changes[:count]


def root_of(files: MemoryFilesystem) -> Volume:
    return files._names.mounts[0].volume
