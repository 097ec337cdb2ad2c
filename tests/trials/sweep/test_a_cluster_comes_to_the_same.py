"""A Dask cluster runs the same sweep to the same figures and trace: what the page on the sweep shows is typed."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shown import executed
from tests.stage import like_a_checkout

distributed = pytest.importorskip("distributed", reason="the extra `cluster` is not installed")


@pytest.fixture
def scheduler() -> Iterator[str]:
    """The address of a cluster of two workers on this machine."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Dask says of its own parts is not ours to mend
        cluster = distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
        )
        with cluster:
            yield cluster.scheduler_address


@pytest.mark.timeout(900)  # two whole sweeps: a minute, where nobody else wants the processors
def test_the_page_on_the_sweep(scheduler: str, tmp_path: Path) -> None:
    stage = like_a_checkout(tmp_path / "clone")
    stage.words["tcp://10.0.0.5:8786"] = scheduler
    said = stage.run(executed("docs/reference/sweep.md"))
    assert said.count("All invariants hold.") == 2
    figures = json.loads(said.splitlines()[-1])
    assert figures["run"] == figures["enumerated"] == figures["pass"] > 10_000
    assert f"trace {figures['trace_hash']}" in said
    points = re.search(r"^depth 1: (\d+) points enumerated, (\d+) run: (\d+) pass", said, re.MULTILINE)
    assert points
    assert [int(count) for count in points.groups()] == [figures["enumerated"], figures["run"], figures["pass"]]
