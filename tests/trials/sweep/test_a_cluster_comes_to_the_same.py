"""A Dask cluster runs the same sweep to the same figures and the same trace."""

from __future__ import annotations

import warnings

import pytest

from harness.trials.sweep.executor import Dask, Processes
from harness.trials.sweep.slices import Spec, small_start
from harness.trials.sweep.sweep import sweep

distributed = pytest.importorskip("distributed", reason="the extra `cluster` is not installed")


def test_two_local_workers_come_to_the_same_as_processes() -> None:
    spec = Spec(small_start(), faults=("lose_reply",))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Dask says of its own parts is not ours to mend
        cluster = distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
        )
        with cluster:
            apart = sweep(spec, Dask(cluster.scheduler_address))
    here = sweep(spec, Processes(1))
    apart.seconds = here.seconds
    assert apart.figures() == here.figures()
    assert here.run == here.enumerated == here.passed > 500
