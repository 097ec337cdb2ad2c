"""Which run may change a machine: an epoch that only rises, and the run that holds it."""

from __future__ import annotations

from dataclasses import dataclass, field

NOBODY = "-"


class HeldByOther(Exception):
    """Another run that has not finished holds the machine."""


class StaleEpoch(Exception):
    """The machine has granted a newer epoch, or this one already."""


class OtherLife(Exception):
    """The machine rebooted since the epoch was granted."""


@dataclass
class EpochFence:
    """The grant of one machine; on stable storage, so it survives a power cut."""

    epoch: int = 0
    run_id: str = NOBODY
    boot_id: str = ""  # of the life in which it was granted

    def claim(self, run_id: str, epoch: int, boot_id: str, takes_over: str | None = None) -> None:
        """Grant a newer epoch to the run that holds the machine or takes it over from that one, or while nobody does.

        Raises:
            HeldByOther, StaleEpoch: nothing was changed.
        """
        if self.run_id not in (NOBODY, run_id, takes_over):
            raise HeldByOther(f"epoch {self.epoch} belongs to the unfinished run {self.run_id}")
        if epoch <= self.epoch:
            raise StaleEpoch(f"epoch {self.epoch} is granted, {epoch} is not newer")
        self.epoch, self.run_id, self.boot_id = epoch, run_id, boot_id

    def release(self, run_id: str, epoch: int, boot_id: str) -> None:
        """Give the machine back; the epoch stays.

        Raises:
            StaleEpoch, OtherLife: when the grant is not this one any more.
        """
        self.check(run_id, epoch, boot_id)
        self.run_id = NOBODY

    def check(self, run_id: str, epoch: int, boot_id: str) -> None:
        """Pass only the run and epoch that are granted, and in the life of the machine in which they were.

        Raises:
            StaleEpoch, OtherLife: when they are not.
        """
        if (run_id, epoch) != (self.run_id, self.epoch):
            raise StaleEpoch(f"epoch {self.epoch} of {self.run_id} is granted, not {epoch} of {run_id}")
        if boot_id != self.boot_id:
            raise OtherLife(f"epoch {self.epoch} was granted before the machine rebooted")


@dataclass
class Records:
    """What runs keep on a machine beside its epoch; on stable storage too."""

    kept: dict[str, bytes] = field(default_factory=dict)

    def keep(self, name: str, content: bytes, offset: int) -> None:
        """Replace a record, or add to one that is as long as ``offset``.

        Raises:
            OSError: it is not that long; nothing was changed.
        """
        before = self.kept.get(name, b"") if offset else b""
        if len(before) != offset:
            raise OSError(f"{name} does not end at {offset}")
        self.kept[name] = before + content
