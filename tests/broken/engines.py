"""All engines that are broken on purpose, family by family."""

from __future__ import annotations

from dataclasses import replace

from tests.broken import (
    control,
    copying,
    drbd,
    fencing,
    honesty,
    journal,
    online,
    preflight,
    retiring,
    reusing,
    reverse,
    rollback,
    services,
)
from tests.broken.patching import Sabotage

_FAMILIES = (
    *(
        control,
        copying,
        drbd,
        journal,
        fencing,
        services,
        preflight,
        rollback,
        reverse,
        reusing,
        retiring,
        honesty,
        online,
    ),
)

SABOTAGES: tuple[Sabotage, ...] = tuple(
    replace(one, family=family.__name__.rsplit(".", 1)[-1]) for family in _FAMILIES for one in family.SABOTAGES
)
