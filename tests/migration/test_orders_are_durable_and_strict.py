"""The file of orders: what was ordered is read back as it was, two terminals lose nothing, and nothing is guessed."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from harness.migration.control import FILE, Control, Orders, OrdersUnclear


def test_without_a_file_nothing_is_ordered(tmp_path: Path) -> None:
    assert Control(tmp_path / "not yet made").orders() == Orders()


def test_an_order_is_read_by_whoever_looks_next(tmp_path: Path) -> None:
    ordered = Control(tmp_path).change(lambda orders: replace(orders, paused=True, throttle_kib_s=512))
    assert Control(tmp_path).orders() == ordered == Orders(paused=True, throttle_kib_s=512)
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_orders_given_at_once_are_all_kept(tmp_path: Path) -> None:
    """Each adds one to what it reads: an order that overlooked another would lose one."""

    def faster(orders: Orders) -> Orders:
        return replace(orders, throttle_kib_s=(orders.throttle_kib_s or 0) + 1)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: Control(tmp_path).change(faster), range(40)))
    assert Control(tmp_path).orders().throttle_kib_s == 40


def test_taking_all_orders_back_mends_a_damaged_file(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("{")
    Control(tmp_path).anew()
    assert Control(tmp_path).orders() == Orders()


GOOD = {"version": 1, "paused": False, "throttle_kib_s": None, "cutover": False, "abort": False}
DAMAGED = {
    "torn": '{"version": 1, "pau',
    "empty": "",
    "a list": "[]",
    "of another version": json.dumps({**GOOD, "version": 2}),
    "without one of the orders": json.dumps({key: value for key, value in GOOD.items() if key != "abort"}),
    "with an order that is none": json.dumps({**GOOD, "hurry": True}),
    "with a number for a yes": json.dumps({**GOOD, "paused": 1}),
    "with a rate that is none": json.dumps({**GOOD, "throttle_kib_s": 0}),
    "with a yes for a rate": json.dumps({**GOOD, "throttle_kib_s": True}),
    "too long": json.dumps(GOOD) + " " * 5000,
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_what_nobody_ordered_is_not_guessed(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content)
    with pytest.raises(OrdersUnclear, match="walrus-ha resume RUN"):
        Control(tmp_path).orders()


def test_a_file_that_leads_elsewhere_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text(json.dumps(GOOD))
    (tmp_path / FILE).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OrdersUnclear, match="cannot be read"):
        Control(tmp_path).orders()
