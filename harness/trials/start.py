"""The start of a scenario: the world in which its trial begins."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from harness.inventory import Settings
from harness.labs.lab import Rates, Start, StoreSpec
from harness.layout import Layout
from harness.trials.hazards import Differs
from harness.yamlmodel import Bytes, BytesPerSecond, Strict


class StoreBefore(Strict):
    """The objects in the store before the move; the same seed gives the same store."""

    objects: Annotated[int, Field(ge=0, le=10_000_000)] = 60
    bytes: Bytes = 2 * 1024**2
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 7
    hostile_names: bool = True
    layout: Annotated[
        Layout | None, Field(description="Made after this layout, as facts of a site tell it, and not after the rest.")
    ] = None


class HostRates(Strict):
    """How fast the hosts are, where a lab can have them so; the others are as fast as they are."""

    read_rate: BytesPerSecond = 500_000_000
    copy_rate: BytesPerSecond = 200 * 1024**2
    sync_rate: BytesPerSecond | None = None  # None: the start's
    answer_s: Annotated[float, Field(gt=0, le=60)] = 0.005
    entry_s: Annotated[float, Field(ge=0, le=60)] = 0.0

    def to_lab(self) -> Rates:
        """The same, as a lab takes it."""
        return Rates(self.read_rate, self.copy_rate, self.answer_s, self.entry_s, self.sync_rate)


class Before(Strict):
    """The world in which the trial begins."""

    drbd: Literal["8.3", "8.4"] = "8.4"
    strategy: Literal["staged", "online"] = "staged"
    clc: Literal["own", "original"] = "own"
    init: Literal["sysvinit", "systemd"] = "sysvinit"
    host_tools: Literal["today", "2012"] = "today"
    login: Literal["root", "sudo"] = "root"
    ssh: Literal["today", "5.3"] = "today"
    store: StoreBefore = StoreBefore()
    device_bytes: Bytes = 16 * 1024**2
    staging_bytes: Bytes | None = None
    store_on: Literal["root", "device"] = "root"
    second_staging_bytes: Bytes | None = None
    sync_rate: BytesPerSecond = 12 * 1024**2
    rates: HostRates | None = None
    settings: Settings = Settings()
    differs: Differs = Differs()

    @property
    def plan(self) -> str:
        """Which plan the engine walks: that of the strategy, or the one for a device that is used again."""
        return "reusing" if self.settings.reuse_device else self.strategy

    def to_lab(self) -> Start:
        """The same, as a lab takes it: only settings and hazards that the file gives."""
        settings = self.settings.model_dump(exclude_unset=True) | {"strategy": self.strategy}
        return Start(
            drbd=self.drbd,
            clc=self.clc,
            init=self.init,
            host_tools=self.host_tools,
            login=self.login,
            ssh=self.ssh,
            store=StoreSpec(**self.store.model_dump(mode="json")),
            device_bytes=self.device_bytes,
            staging_bytes=self.staging_bytes,
            store_on=self.store_on,
            second_staging_bytes=self.second_staging_bytes,
            sync_bytes_per_s=self.sync_rate,
            rates=self.rates.to_lab() if self.rates else None,
            settings=settings,
            differs=self.differs.model_dump(exclude_none=True),
        )
