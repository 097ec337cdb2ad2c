"""What all tests share: how a test says which lab it needs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.labs import doctor


def _need(name: str) -> None:
    lacking = doctor.missing(name)
    if lacking is None:
        return
    if name in doctor.required():
        pytest.fail(f"{lacking} ({doctor.REQUIRED} demands it)", pytrace=False)
    pytest.skip(lacking)


@pytest.fixture(scope="session")
def require_lab() -> Callable[[str], None]:
    """Skip the test, with the reason, where the machine lacks the lab; fail where the environment demands it."""
    return _need
