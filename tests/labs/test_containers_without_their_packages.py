"""Without the Python packages of the containers lab, the doctor names the command that brings them."""

from __future__ import annotations

import sys

import pytest

from harness.labs.containers import ContainersLab


@pytest.mark.parametrize("package", ["testcontainers", "docker"])
def test_the_missing_package_is_named(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    lack = ContainersLab().lacks()[-1]
    assert lack.startswith(f"the Python package {package}")
    assert lack.endswith("pip install 'walrus-ha[labs]'")
