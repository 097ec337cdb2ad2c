"""The names of the steps, and in which order each plan has them."""

from __future__ import annotations

from typing import Literal, get_args

StepName = Literal[
    "register-additional",
    "stop-additional",
    "stop-services",
    "freeze-manifest",
    "stage-store",
    "stage-second",
    "configure-drbd",
    "unmount-store",
    "clear-device",
    "create-metadata",
    "connect-peers",
    "become-primary",
    "make-filesystem",
    "mount-aside",
    "copy-ahead",
    "first-sync",
    "catch-up",
    "copy-difference",
    "configure-walrus",
    "set-store-aside",
    "mount-device",
    "restore-store",
    "wait-for-sync",
    "hand-over",
    "start-drbd-at-boot",
    "commit",
    "start-services",
    "set-properties",
    "confirm-service",
]
ReverseStepName = Literal[
    "stop-pair",
    "connect-pair",
    "release-pair",
    "sync-pair",
    "promote-original",
    "mount-pair",
    "freeze-pair",
    "copy-back",
    "take-pair-down",
    "keep-pair-down",
    "put-store-back",
    "unconfigure",
    "commit-reverse",
    "start-original",
    "confirm-original",
    "deregister-additional",
    "start-additional",
    "reset-properties",
]
REVERSE_STEP_NAMES: tuple[str, ...] = get_args(ReverseStepName)  # of a rollback after the commit point
STEP_NAMES: tuple[str, ...] = get_args(StepName)
_ONLY_ONLINE = {"stop-additional", "mount-aside", "copy-ahead", "first-sync", "catch-up", "copy-difference"}
_ONLY_ONLINE |= {"configure-walrus"}
_AHEAD = (  # of an online move's window
    *("register-additional", "stop-additional", "configure-drbd", "create-metadata", "connect-peers"),
    *("become-primary", "make-filesystem", "mount-aside", "copy-ahead", "first-sync", "catch-up"),
)
_ONLY_REUSING = {"stage-second", "unmount-store", "clear-device"}
_ONLY_STAGED = {"stage-store", "restore-store", *_ONLY_REUSING}
STEPS_OF: dict[str, tuple[str, ...]] = {  # in each plan's order
    "staged": tuple(name for name in STEP_NAMES if name not in {*_ONLY_ONLINE, *_ONLY_REUSING}),
    "online": (*_AHEAD, *(name for name in STEP_NAMES if name not in {*_AHEAD, *_ONLY_STAGED})),
    "reusing": tuple(name for name in STEP_NAMES if name not in {*_ONLY_ONLINE, "set-store-aside"}),
}
