"""The plan: the ordered steps of the move. This page is the runbook.

The vendor's *Appendix C: Moving to High Availability* in the vendor's order, with what it leaves out: the data is
proven at every hand-over, and nothing is destroyed.
"""

from __future__ import annotations

from harness.inventory import Settings
from harness.migration.step import Step
from harness.migration.steps.ahead import CatchUp, CopyAhead, MountAside
from harness.migration.steps.aside import SetStoreAside
from harness.migration.steps.back.boot import KeepPairDown
from harness.migration.steps.back.configuration import Unconfigure
from harness.migration.steps.back.data import CommitReverse, CopyBack, FreezePair, PutStoreBack
from harness.migration.steps.back.pair import (
    ConnectPair,
    MountPair,
    PromoteOriginal,
    ReleasePair,
    SyncPair,
    TakePairDown,
)
from harness.migration.steps.back.service import (
    ConfirmOriginal,
    DeregisterAdditional,
    ResetProperties,
    StartAdditional,
    StartOriginal,
    StopPair,
)
from harness.migration.steps.boot import StartDrbdAtBoot
from harness.migration.steps.clear import ClearDevice, CreateMetadataOnCleared
from harness.migration.steps.configure import ConfigureDrbd, ConfigureWalrus
from harness.migration.steps.connect import ConnectPeers
from harness.migration.steps.difference import CopyDifference, FreezeChanged, PutDeviceInPlace
from harness.migration.steps.filesystem import MakeFilesystem
from harness.migration.steps.freeze import FreezeManifest
from harness.migration.steps.handover import Commit, CommitOnCopies, HandOver
from harness.migration.steps.metadata import CreateMetadata
from harness.migration.steps.mounting import MountDevice
from harness.migration.steps.primary import BecomePrimary
from harness.migration.steps.register import RegisterAdditional
from harness.migration.steps.restore import RestoreFromCopies, RestoreStore
from harness.migration.steps.second import FreezeMounted, StageFromDevice, StageSecond
from harness.migration.steps.stage import StageStore
from harness.migration.steps.start import ConfirmService, SetProperties, StartServices
from harness.migration.steps.stop import StopAdditional, StopOriginal, StopServices
from harness.migration.steps.sync import FirstSync, WaitForSync
from harness.migration.steps.unmount import UnmountStore


def staged() -> list[Step]:
    """The vendor's order: stop, copy away, configure, copy back, sync, start."""
    return [
        RegisterAdditional(),  # Appendix C, step 1
        StopServices(),  # step 2; the window opens
        FreezeManifest(),
        StageStore(),  # step 3
        ConfigureDrbd(),  # step 4, the linked topic "Configure DRBD"
        CreateMetadata(),
        ConnectPeers(),
        BecomePrimary(),  # step 5
        MakeFilesystem(),
        SetStoreAside(),
        MountDevice(),  # left out by the vendor: without it, step 6 copies beside the device
        RestoreStore(),  # step 6
        WaitForSync(),  # step 7
        HandOver(),
        StartDrbdAtBoot(),  # left out by the vendor: without it, no Walrus serves after a power cut of both hosts
        Commit(("staged", "restored")),  # the point of no return
        StartServices(),  # step 8; the window closes
        SetProperties(),
        ConfirmService(),
    ]


def reverse() -> list[Step]:
    """From the pair back to the original alone, with all that was written since: a rollback after the commit point."""
    return [
        StopPair(),  # the window opens
        ConnectPair(),
        ReleasePair(),
        SyncPair(),
        PromoteOriginal(),
        MountPair(),  # read-only: the pair's data is the safe copy of everything that follows
        FreezePair(),
        CopyBack(),
        TakePairDown(),  # its data stays on both disks
        KeepPairDown(),
        PutStoreBack(),
        Unconfigure(),
        CommitReverse(),  # the reverse move's point of no return
        StartOriginal(),  # the window closes
        ConfirmOriginal(),
        DeregisterAdditional(),
        StartAdditional(),
        ResetProperties(),
    ]


def online() -> list[Step]:
    """All that takes long while Walrus still serves from the old disk; only the last difference in the window."""
    return [
        RegisterAdditional(),
        StopAdditional(),  # registered and not yet of use: the cloud must not promote its empty store
        ConfigureDrbd(walrus_too=False),
        CreateMetadata(),
        ConnectPeers(),
        BecomePrimary(),
        MakeFilesystem(),
        MountAside(),
        CopyAhead(),
        FirstSync(),
        CatchUp(),
        StopOriginal(),  # the window opens
        FreezeChanged(),
        CopyDifference(),
        ConfigureWalrus(),
        SetStoreAside(),
        PutDeviceInPlace(),
        WaitForSync(),
        HandOver(),
        StartDrbdAtBoot(),
        Commit(("restored",)),  # the point of no return; the old store is the other verified copy
        StartServices(),  # the window closes
        SetProperties(),
        ConfirmService(),
    ]


def reusing() -> list[Step]:
    """As ``staged``, for a store on the very device that is to be replicated: two copies, and then it is erased."""
    return [
        RegisterAdditional(),
        StopServices(),  # the window opens
        FreezeMounted(),
        StageFromDevice(),
        StageSecond(),  # on another disk, from the store as well
        ConfigureDrbd(),
        UnmountStore(),
        ClearDevice(),  # from here until the commit taking back means restoring from a copy
        CreateMetadataOnCleared(),
        ConnectPeers(),
        BecomePrimary(),
        MakeFilesystem(),
        MountDevice(),
        RestoreFromCopies(),
        WaitForSync(),
        HandOver(),
        StartDrbdAtBoot(),
        CommitOnCopies(("staged", "second-staged", "restored")),  # the point of no return
        StartServices(),  # the window closes
        SetProperties(),
        ConfirmService(),
    ]


PLANS = {"staged": staged, "online": online, "reusing": reusing}


def plan_for(settings: Settings) -> list[Step]:
    """The plan that the inventory asks for."""
    return PLANS["reusing" if settings.reuse_device else settings.strategy]()
