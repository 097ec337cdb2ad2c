"""The engine lists, hashes, freezes, mirrors and compares a store in memory that does not depend on its size.

``python -m tests.bench memory`` measures the same with a million objects.
"""

from __future__ import annotations

from tests.bench import memory

FEW, MANY = 10_000, 40_000


def test_four_times_the_objects_take_hardly_more() -> None:
    few, many = memory.in_a_process(FEW), memory.in_a_process(MANY)
    assert many["peak_mib"] < few["peak_mib"] * memory.MOST_GROWTH
    assert many["peak_mib"] < memory.MOST_MIB
