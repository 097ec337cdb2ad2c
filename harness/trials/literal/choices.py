"""What the vendor's text leaves to whoever types it: tips taken or not, and how its gaps are filled."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field

from harness.yamlmodel import Strict

VendorStep = Literal[
    "c1-register",
    "c2-stop",
    "c3-copy-away",
    "c4-edit-files",
    "c4-restart",
    "c4-create-metadata",
    "c4-first-sync",
    "c4-make-filesystem",
    "c4-start",
    "c5-look",
    "c6-copy-back",
    "c6-skip-sync",
    "c7-watch",
    "c8-start",
]
"""The steps of Appendix C by their number; those of its step 4 are the topic *Configure DRBD*."""

VENDOR_STEPS: tuple[str, ...] = get_args(VendorStep)


class Choices(Strict):
    """How the operator reads the vendor's text. The defaults are its words with the first tip of step 6 taken."""

    stop_before_copy: Annotated[
        bool, Field(description="The tip of step 6 is taken: the services are stopped right before the copy back.")
    ] = True
    destination_exists: Annotated[
        bool, Field(description="The temporary location of step 3 is a directory that is there already.")
    ] = True
    fix_nested: Annotated[
        Literal["star"] | None,
        Field(description="The copy back takes what is in the copied directory (`bukkits/*`), not the directory."),
    ] = None
    repeat_on_secondary: Annotated[
        Literal["in_turn", "late"],
        Field(description="When the secondary gets its metadata: where the note says so, or not before the last tip."),
    ] = "in_turn"
    skip_sync: Annotated[
        bool,
        Field(description="The last tip of step 6 is taken: the first synchronisation is skipped, after the copy."),
    ] = False
    balks_at_mkfs: Annotated[
        bool,
        Field(description="Where the skipping leads back to mkfs, the operator remembers the data and leaves it out."),
    ] = False
    make_filesystem: Annotated[
        Literal["ext3", "ext4"],
        Field(description="Which of the two that the text allows is made; the line that it gives for fstab has ext3."),
    ] = "ext3"
    rerun_configure: Annotated[
        bool, Field(description="After an interruption the operator begins step 4, Configure DRBD, once more.")
    ] = False
