"""The life of a rack: watched over from before its first part until the last one is gone."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

from harness.inventory import Inventory
from harness.labs import keep
from harness.labs.keep import UpLab
from harness.labs.watchdog import Watchdog


class Rack(Protocol):
    """What a lab brings up."""

    def bring_up(self) -> None: ...
    def tear_down(self) -> None: ...
    def let_go(self) -> None: ...
    def inventory(self) -> Inventory: ...


R = TypeVar("R", bound=Rack)


@contextlib.contextmanager
def brought_up(make: Callable[[str], R], watch_over: Callable[[str], Watchdog]) -> Iterator[R]:
    """A rack of its own, gone when the block ends, also when this process is killed in it.

    ``make`` gives the rack of a run's id, not up yet; ``watch_over`` begins to watch a run.
    """
    run_id = secrets.token_hex(4)
    watchdog = watch_over(run_id)
    with contextlib.ExitStack() as ending:
        ending.callback(watchdog.dismiss)
        rack = make(run_id)
        ending.callback(rack.tear_down)
        rack.bring_up()
        yield rack


def left_up(make: Callable[[str], Rack], watch_over: Callable[[str], Watchdog]) -> UpLab:
    """Bring a rack up and leave it running; nothing is left when that fails."""
    run_id = secrets.token_hex(4)
    watchdog = watch_over(run_id)
    rack = make(run_id)
    try:
        rack.bring_up()
        kept = keep.remember(run_id, rack.inventory())
    except BaseException:
        rack.tear_down()
        raise
    finally:
        watchdog.dismiss()
    rack.let_go()
    return kept
