"""Whoever asks for Docker where no daemon runs is told so and leaves no open socket behind."""

from __future__ import annotations

import gc
import socket
import warnings
from pathlib import Path

import pytest

from harness.errors import LabUnavailable
from harness.labs.docker_cleanup import connect


@pytest.mark.parametrize("left_over", [False, True])
def test_no_socket_is_left_to_the_garbage_collector(
    left_over: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "docker.sock"
    if left_over:  # of a daemon that died
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(path))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    gc.collect()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with pytest.raises(LabUnavailable, match=r"no Docker daemon answers .*: make labs"):
            connect(timeout_s=5.0)
        gc.collect()
    assert [str(one.message) for one in told] == []
