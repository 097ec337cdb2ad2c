"""The sweep of pairs begins as its page shows it, and says what its shares come to. At night it is swept to its end."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.stage import like_a_checkout

_SHARE = re.compile(r"^(\d+) of 64 shares, (\d+) distinct stories, (\d+) not passed, ", re.MULTILINE)


@pytest.mark.timeout(900)  # half a minute, where nobody else wants the processors
def test_as_shown(tmp_path: Path) -> None:
    stage = like_a_checkout(tmp_path / "clone")
    done, stories, bad = map(int, stage.run_until("walrus-ha sweep --depth 2", _SHARE, within_s=800.0).groups())
    assert done == 1
    assert stories > 100
    assert bad == 0
